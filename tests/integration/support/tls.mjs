/*
 * tls: a certificate authority of our own and a server certificate for 127.0.0.1, ::1 and localhost, made by openssl.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from './run_folder.mjs';

/* Makes the files in `folder`: { caFile, certFile, keyFile }. `names` are the subject's names, as openssl writes them. */
export async function makeCertificates(folder, { names = 'IP:127.0.0.1,IP:::1,DNS:localhost', days = 2 } = {}) {
  const file = (name) => join(folder, name);
  const openssl = (...args) => runProcess('openssl', args, { cwd: folder });
  const key = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(name)];

  await openssl('req', '-x509', ...key('ca.key'), '-subj', '/CN=weavestream-backup test CA', '-days', `${days}`, '-out', file('ca.crt'));
  await openssl('req', '-new', ...key('server.key'), '-subj', '/CN=localhost', '-out', file('server.csr'));
  writeFileSync(file('server.ext'), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`);
  await openssl('x509', '-req', '-in', file('server.csr'), '-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial',
    '-days', `${days}`, '-extfile', file('server.ext'), '-out', file('server.crt'));
  chmodSync(file('server.key'), 0o600);
  return { caFile: file('ca.crt'), certFile: file('server.crt'), keyFile: file('server.key') };
}
