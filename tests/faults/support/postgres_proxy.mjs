/*
 * postgres_proxy: stands between our programs and Postgres, reads what passes, and can hold a session at any message.
 *
 *     const proxy = await startPostgresProxy(postgres);
 *     after(() => proxy.stop());
 *     proxy.through(url)              the same database, through the proxy
 *     const gate = proxy.hold('lock', ({ application, from, type, text }) => from === 'client' && text.includes('pg_try_advisory_lock'));
 *
 * The first message that matches, or the one of number `times`, waits at the gate, and all that follow in its direction, the end of the connection
 * included. `type` is the protocol's letter, 'startup' for the first message; `from` is 'client' or 'server'. A client that is gone is gone at
 * once for the server too.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { openableGate } from './gate.mjs';

const encryptionRequests = [80877103, 80877104]; // TLS, GSSAPI
const cancelRequest = 80877102;

/* Hands on whole messages: a letter and a length, or, at a client's start, a length only. */
function reader(onMessage, { atStart }) {
  let waiting = Buffer.alloc(0);
  return (bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    for (;;) {
      const head = atStart ? 0 : 1;
      const end = waiting.length < head + 4 ? Infinity : head + waiting.readUInt32BE(head);
      if (waiting.length < end) return;
      const message = waiting.subarray(0, end);
      waiting = waiting.subarray(end);
      const code = atStart ? message.readUInt32BE(4) : 0;
      if (!encryptionRequests.includes(code)) atStart = false;
      onMessage({ type: head === 1 ? String.fromCharCode(message[0]) : 'startup', code, bytes: message, text: message.toString('latin1', head + 4) });
    }
  };
}

/* The value of a parameter in the startup message. */
function parameter(text, name) {
  const words = text.slice(4).split('\0');
  return words[words.indexOf(name) + 1] ?? '';
}

export async function startPostgresProxy(postgres) {
  const rules = new Set();
  const sockets = new Set();

  const serve = (client) => {
    const server = connect(postgres.port, '127.0.0.1');
    let application = '';
    const direction = (from, to) => {
      let before = Promise.resolve(); // all that came before has passed
      return {
        send(message) {
          const rule = [...rules].find(({ matches }) => matches({ application, from, ...message }));
          const isHeld = rule !== undefined && --rule.times === 0;
          if (isHeld) rules.delete(rule);
          before = before.then(() => isHeld && rule.gate.pass()).then(() => to.write(message.bytes));
        },
        end: () => (before = before.then(() => to.end())),
      };
    };
    const toServer = direction('client', server);
    const toClient = direction('server', client);
    const fromClient = reader((message) => {
      if (encryptionRequests.includes(message.code)) return client.write('N');
      if (message.type === 'startup' && message.code !== cancelRequest) application = parameter(message.text, 'application_name');
      toServer.send(message);
    }, { atStart: true });
    client.on('data', fromClient).on('close', () => server.destroy());
    server.on('data', reader(toClient.send, { atStart: false })).on('close', () => toClient.end());
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => {}); // "close" follows
      socket.on('close', () => sockets.delete(socket));
    }
  };

  const listener = createServer(serve).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    through: (url) => url.replace(`:${postgres.port}/`, `:${listener.address().port}/`),
    hold(name, matches, { times = 1 } = {}) {
      const gate = openableGate(name);
      rules.add({ matches, gate, times });
      return gate;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
