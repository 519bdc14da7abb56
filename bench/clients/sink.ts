import net from 'node:net';

/**
 * The end of outgoing mail, as a process of its own: takes everything, keeps nothing, and says when asked how many
 * messages it took and what that cost it. SMTP with PIPELINING; the same one for every side.
 */
export type SinkAnswer = { readonly port: number } | { readonly messages: number; readonly cpuMs: number };

let messages = 0;

const server = net.createServer((socket) => {
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  let rest = '';
  let content = false;
  const line = (text: string): string => {
    switch (text.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return '250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n';
      case 'DATA':
        content = true;
        return '354 Go on\r\n';
      case 'QUIT':
        return '221 Bye\r\n';
      default:
        return '250 OK\r\n';
    }
  };
  socket.on('data', (chunk) => {
    let all = rest + String(chunk);
    let replies = '';
    for (;;) {
      if (content) {
        const end = all.indexOf('\r\n.\r\n');
        if (end < 0) {
          // Of content only what may be the beginning of its end is kept.
          all = all.slice(Math.max(0, all.length - 4));
          break;
        }
        all = all.slice(end + 5);
        content = false;
        messages++;
        replies += '250 OK taken\r\n';
        continue;
      }
      const end = all.indexOf('\r\n');
      if (end < 0) break;
      const said = all.slice(0, end);
      replies += line(said);
      // The line end of DATA counts to the content's end: an empty message is a dot alone (RFC 5321 §4.1.1.4).
      all = all.slice(content ? end : end + 2);
      if (said.slice(0, 4).toUpperCase() === 'QUIT') {
        socket.end(replies);
        return;
      }
    }
    rest = all;
    if (replies !== '') socket.write(replies);
  });
  socket.write('220 sink.test ESMTP\r\n');
});

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as net.AddressInfo;
  process.send?.({ port } satisfies SinkAnswer);
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ messages, cpuMs: (user + system) / 1000 } satisfies SinkAnswer);
});
process.on('disconnect', () => process.exit(0));
