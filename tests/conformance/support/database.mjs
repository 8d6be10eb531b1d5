/*
 * database: all that is in a Redis database, as it is: { key: { type, expires, value } }. `expires` is in Unix milliseconds, -1 for never;
 * `value` is text, a list, a sorted list (set), pairs of member and score (zset), an object (hash), or entries [id, fields] (stream).
 */
import { setTimeout as pause } from 'node:timers/promises';

const readers = {
  string: (commands, key) => commands.get(key),
  list: (commands, key) => commands.lrange(key, 0, -1),
  set: (commands, key) => commands.smembers(key),
  zset: (commands, key) => commands.zrange(key, 0, -1, 'WITHSCORES'),
  hash: (commands, key) => commands.hgetall(key),
  stream: (commands, key) => commands.xrange(key, '-', '+'),
};

const pairs = (flat) => flat.flatMap((one, index) => (index % 2 === 0 ? [[one, Number(flat[index + 1])]] : []));
const shapes = { set: (members) => members.sort(), zset: pairs };

async function answers(commands) {
  return (await commands.exec()).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}

async function readOnce(client) {
  const keys = (await client.keys('*')).sort();
  const types = await answers(keys.reduce((commands, key) => commands.type(key), client.pipeline()));
  const present = keys.map((key, index) => ({ key, type: types[index] })).filter(({ type }) => type !== 'none');
  const read = client.pipeline();
  for (const { key, type } of present) readers[type](read, key).pexpiretime(key);
  const all = await answers(read);
  return Object.fromEntries(present.map(({ key, type }, index) => {
    const [value, expires] = all.slice(2 * index, 2 * index + 2);
    return [key, { type, expires, value: shapes[type]?.(value) ?? value }];
  }));
}

/* Reads until two readings in a row are the same: until nobody writes any more. */
export async function readDatabase(client) {
  for (let last = null; ;) {
    const database = await readOnce(client);
    const text = JSON.stringify(database);
    if (text === last) return database;
    last = text;
    await pause(25);
  }
}
