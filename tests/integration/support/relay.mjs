/*
 * relay: a port that leads to another one, and changes what the server says on the way, or cuts the connection.
 *
 *     const port = await startRelay(t, redis.port, (text) => text.replaceAll('7.0', '9.9'));
 *
 * `rewrite` gets what arrives at once, as latin1, and must hand back as many bytes: protocols count them. null: they are lost, and the
 * connection is cut. '': they are lost, and nothing comes of it. `rewriteRequest` is the same for what the client says.
 */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';

export async function startRelay(t, target, rewrite, rewriteRequest = (text) => text) {
  const sockets = new Set();
  const server = createServer((client) => {
    const other = connect(target, '127.0.0.1');
    for (const [socket, end, change] of [[client, other, rewriteRequest], [other, client, rewrite]]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => end.destroy());
      socket.on('data', (bytes) => {
        const text = change(bytes.toString('latin1'));
        if (text === null) return socket.destroy();
        if (text !== '') assert.equal(text.length, bytes.length);
        end.write(Buffer.from(text, 'latin1'));
      });
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  return server.address().port;
}
