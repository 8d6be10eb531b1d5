/*
 * web: an HTTP server that notes what it gets, for one test, on a port of its own.
 *
 *     const web = await startWeb(t);                                       answers everything with 200 OK
 *     const web = await startWeb(t, { answers: [{ status: 500 }, 'hang'] }) the first two; what comes after them gets 200
 *     const web = await startWeb(t, { tls: true });                        with a certificate that web.caFile has signed
 *     const [request] = await web.received(1);                             { method, path, headers, body }
 *
 * An answer is { status, headers, body }, 'hang': nothing is said, or 'cut': the connection ends without an answer.
 */
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { temporaryFolder } from './run_folder.mjs';
import { makeCertificates } from './tls.mjs';
import { eventually } from './wait.mjs';

export async function startWeb(t, { answers = [], tls = false, names = undefined } = {}) {
  const certificates = tls ? await makeCertificates(temporaryFolder('web'), names ? { names } : {}) : null;
  const requests = [];
  const handle = async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = answers[requests.length] ?? {};
    requests.push({ method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
    if (answer === 'hang') return;
    if (answer === 'cut') {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status ?? 200, answer.headers ?? {});
    response.end(answer.body ?? 'OK');
  };
  const server = tls ? createSecureServer({ key: readFileSync(certificates.keyFile), cert: readFileSync(certificates.certFile) }, handle) : createServer(handle);
  server.on('tlsClientError', () => {}); // of one that does not trust us
  await new Promise((done, refuse) => server.once('error', refuse).listen(0, '127.0.0.1', done));
  t.after(() => new Promise((done) => server.close(done).closeAllConnections()));
  const { port } = server.address();
  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    caFile: certificates?.caFile,
    async received(count) {
      await eventually(() => requests.length >= count, { what: `${count} requests` });
      return requests;
    },
  };
}
