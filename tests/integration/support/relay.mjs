/*
 * relay: a port that leads to another one, and changes what the server says on the way.
 *
 *     const port = await startRelay(t, redis.port, (text) => text.replaceAll('7.0', '9.9'));
 *
 * `rewrite` gets what arrives at once, as latin1, and must hand back as many bytes: protocols count them.
 */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';

export async function startRelay(t, target, rewrite) {
  const sockets = new Set();
  const server = createServer((client) => {
    const other = connect(target, '127.0.0.1');
    for (const [socket, end] of [[client, other], [other, client]]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => end.destroy());
    }
    client.on('data', (bytes) => other.write(bytes));
    other.on('data', (bytes) => {
      const text = rewrite(bytes.toString('latin1'));
      assert.equal(text.length, bytes.length);
      client.write(Buffer.from(text, 'latin1'));
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return server.address().port;
}
