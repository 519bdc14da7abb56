import { run } from '../src/index.ts';

/** An agent that says when it is told to end, for run.test.ts. */
await run({
  name: 'sample',
  settings: {},
  start: (context) => {
    process.stdout.write('started\n');
    context.metrics.counter('samples', 'counted').inc(3);
    return Promise.resolve({
      [Symbol.asyncDispose]: () => {
        process.stdout.write('disposed\n');
        return Promise.resolve();
      },
    });
  },
});
