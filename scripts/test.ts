console.log('test', process.version, process.argv.slice(2));
