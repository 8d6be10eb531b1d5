/*
 * proxy: stands between a worker and Redis and makes trouble. It reads what passes, so that a single reply can be lost or changed.
 *
 *     const proxy = await startProxy(redis);
 *     after(() => proxy.stop());
 *     proxy.url(3)                 for REDIS_URL: database 3
 *     proxy.cut()                  closes what is connected
 *     proxy.hold('blocking')       half-open: what is connected hears nothing any more, is not heard, and is not closed; as if packets were dropped
 *     proxy.turnTo(other)          new connections go to another server
 *     proxy.refuse(true)           new connections are closed at once; false: not any more
 *     await proxy.meddle(({ words, reply }) => words[0] === 'INFO', ({ reply }) => Buffer.from('-LOADING soon\r\n'));
 *                                  the first reply that matches is replaced by another, or, by null, lost with its connection
 *
 * A connection is 'blocking' once it has given itself a name, and 'command' before and otherwise. It speaks RESP 2, without TLS.
 */
import { connect, createServer } from 'node:net';
import { once } from 'node:events';

/* Where the RESP value that begins at `at` ends; -1 if it is not all there. */
function endOf(bytes, at) {
  const line = bytes.indexOf('\r\n', at);
  if (line === -1) return -1;
  const count = Number(bytes.toString('latin1', at + 1, line));
  let end = line + 2;
  switch (String.fromCharCode(bytes[at])) {
    case '$':
      if (count >= 0) end += count + 2;
      return end <= bytes.length ? end : -1;
    case '*':
      for (let i = 0; i < count && end !== -1; i++) end = endOf(bytes, end);
      return end;
    default:
      return end;
  }
}

/* Hands whole values on, one by one. */
function splitter(onValue) {
  let waiting = Buffer.alloc(0);
  return (bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    for (let end = endOf(waiting, 0); end !== -1; end = endOf(waiting, 0)) {
      onValue(waiting.subarray(0, end));
      waiting = waiting.subarray(end);
    }
  };
}

/* A command's words: an array of bulk strings. */
function wordsOf(command) {
  const words = [];
  for (let at = command.indexOf('\r\n') + 2; at < command.length; ) {
    const start = command.indexOf('\r\n', at) + 2;
    const end = endOf(command, at);
    words.push(command.toString('utf8', start, end - 2));
    at = end;
  }
  return words;
}

export async function startProxy(redis) {
  let port = redis.port;
  let isRefusing = false;
  const connections = new Set();
  const rules = new Set();

  const close = (connection) => {
    connections.delete(connection);
    connection.worker.destroy();
    connection.server.destroy();
  };

  /* What goes to the worker instead of this reply: a promise, so that it may come late. */
  const changed = async (seen) => {
    const rule = [...rules].find(({ matches }) => matches(seen));
    if (!rule) return seen.reply;
    if (--rule.times === 0) rules.delete(rule);
    const reply = await rule.change(seen);
    rule.done(seen);
    return reply;
  };

  const serve = (worker) => {
    if (isRefusing) return void worker.destroy();
    const connection = { worker, server: connect(port, '127.0.0.1'), role: 'command', isHeld: false };
    const commands = []; // sent, and not yet answered
    let replies = Promise.resolve();
    const pass = async (reply, words) => {
      const instead = await changed({ words, reply, role: connection.role });
      if (connection.isHeld) return;
      if (instead === null) close(connection);
      else worker.write(instead);
    };
    const takeCommands = splitter((command) => {
      const words = wordsOf(command);
      if (words[0] === 'CLIENT') connection.role = 'blocking';
      commands.push(words);
      connection.server.write(command);
    });
    const takeReplies = splitter((reply) => {
      const words = commands.shift();
      replies = replies.then(() => pass(reply, words));
    });
    connections.add(connection);
    worker.on('data', (bytes) => connection.isHeld || takeCommands(bytes));
    connection.server.on('data', (bytes) => connection.isHeld || takeReplies(bytes));
    for (const socket of [worker, connection.server]) {
      socket.on('error', () => {}); // "close" follows
      socket.on('close', () => connection.isHeld || close(connection));
    }
  };

  const listener = createServer(serve).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const chosen = (role) => [...connections].filter((one) => !one.isHeld && (role === undefined || one.role === role));

  return {
    url: (database = 0) => `redis://127.0.0.1:${listener.address().port}/${database}`,
    cut(role) {
      for (const connection of chosen(role)) close(connection);
    },
    hold(role) {
      const held = chosen(role);
      if (held.length === 0) throw new Error(`there is no ${role ?? ''} connection to hold`);
      for (const connection of held) connection.isHeld = true;
    },
    refuse: (yes) => (isRefusing = yes),
    turnTo: (other) => (port = other.port),
    /* For `times` replies. The promise is fulfilled when it has happened. */
    meddle: (matches, change, { times = 1 } = {}) => new Promise((done) => rules.add({ matches, change, times, done })),
    async stop() {
      for (const connection of connections) close(connection);
      listener.close();
      await once(listener, 'close');
    },
  };
}
