/*
 * describe: a database in words that two runs of one scenario have in common: { key: [line, ...] }.
 *
 * What must differ between runs is checked first and replaced then: a time that lies within the run becomes "<time>", a token of the usual
 * form "<token>", a generated id "<id of NAME>"; what fails its check stays as it is, and so makes a difference. A duration that was measured
 * becomes "~MILLISECONDS" or, more precisely, "±MILLISECONDS": compare.mjs is tolerant about both. Of a stack trace, the frames are left out:
 * they are the language's own.
 */
import { createHash } from 'node:crypto';
import { nameTicks } from './ticks.mjs';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
const longest = 300;

/* Sorted as people sort: 2 before 10. */
const { compare: byName } = new Intl.Collator('en', { numeric: true });

/* Text of outside, in one line of bearable length. */
function quote(text) {
  if (text.length <= longest) return JSON.stringify(text);
  const hash = createHash('sha256').update(text).digest('hex');
  return `${JSON.stringify(text.slice(0, 80))}... (${text.length} characters, sha256 ${hash})`;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

/* JSON as a value: the order of its keys says nothing. */
function asValue(text) {
  try {
    return JSON.stringify(sorted(JSON.parse(text)));
  } catch {
    return `no JSON: ${quote(text)}`;
  }
}

const withoutFrames = (trace) => trace.split('\n').filter((line) => !/^ +at /.test(line)).join('\n');

function stackTrace(text) {
  try {
    return JSON.stringify(JSON.parse(text).map((trace) => (trace.length > 5000 ? quote(withoutFrames(trace)) : withoutFrames(trace))));
  } catch {
    return `no JSON: ${quote(text)}`;
  }
}

/* The ids that bullmq made up for jobs (a flow's) are told by the jobs' names. */
function nameIds(run) {
  let text = JSON.stringify(run);
  for (const [key, { type, value }] of Object.entries(run.database)) {
    const id = key.slice(key.lastIndexOf(':') + 1);
    if (type === 'hash' && value.name !== undefined && uuid.test(id)) text = text.replaceAll(id, `<id of ${value.name}>`);
  }
  return JSON.parse(text);
}

/*
 * `run`: { database, outside }, as database.mjs reads it and { title: [line, ...] } more whose order says nothing. `from` and `to`: when the run
 * began and ended, in Unix milliseconds.
 */
export function describeRun(run, { from, to }) {
  const isTime = (ms) => Number(ms) >= from && Number(ms) <= to;
  const { run: { database, outside }, tick, dueOf } = nameTicks(nameIds(run), isTime);
  const time = (ms) => (isTime(ms) ? '<time>' : `${ms}`);
  const jobOf = (key, member) => database[`${key.slice(0, key.lastIndexOf(':') + 1)}${member}`]?.value ?? {};

  /* A schedule's job is delayed until it is due; by how much its time plus its delay misses that was up to who made it. */
  const delayOf = (key, timestamp, ms) => {
    const [, scheduled] = /:(repeat:.+:[^:]+)$/.exec(key) ?? [];
    return `±${scheduled && ms > 0 ? Number(timestamp) + Number(ms) - dueOf(scheduled) : ms}`;
  };
  const options = (text, key) => {
    if (!/"(repeat|prevMillis)":/.test(text)) return asValue(text);
    const { delay, timestamp, repeat, prevMillis, ...more } = JSON.parse(text);
    const limits = Object.fromEntries(['startDate', 'endDate'].filter((name) => repeat?.[name]).map((name) => [name, time(repeat[name])]));
    const named = {
      delay: delayOf(key, timestamp, delay),
      timestamp: time(timestamp),
      prevMillis: prevMillis && tick(more.repeatJobKey, prevMillis),
      repeat: repeat && { ...repeat, ...limits },
    };
    return JSON.stringify(sorted({ ...more, ...named }));
  };
  const fields = {
    timestamp: time,
    processedOn: time,
    finishedOn: time,
    prevTS: time,
    delay: (ms, key, { timestamp }) => delayOf(key, timestamp, ms), // of a job that put itself off until a time, it is what was left
    startDate: time,
    endDate: time,
    opts: options,
    parent: asValue,
    stacktrace: stackTrace,
  };

  /*
   * A delayed job is due at a time plus its delay, one of a schedule at the instant in its id; below the time, the score counts the jobs of one
   * millisecond.
   */
  const due = (key, member, score) => {
    const { timestamp, delay } = jobOf(key, member);
    const ms = Math.floor(score / 4096);
    if (/^repeat:.*:/.test(member)) return ms === dueOf(member) && score % 4096 < database[key].value.length ? '<its instant>' : `${score}`;
    const isPlausible = ms - Number(timestamp) === Number(delay) || isTime(ms - Number(delay));
    return isPlausible && score % 4096 < database[key].value.length ? '<time> + delay' : `${score}`;
  };
  /* The marker tells when the first delayed job is due, or one that was. */
  const dueTime = (key, score) => {
    const beside = (name) => database[key.replace(/marker$/, name)]?.value ?? [];
    if (score === beside('delayed')[0]?.[1] / 4096) return '<first of delayed>';
    const told = beside('events').map(([, [, event, , , , delay]]) => event === 'delayed' && Number(delay));
    return told.includes(score) ? '<once in delayed>' : `${score}`;
  };
  const finished = (key, member, score) => (score === Number(jobOf(key, member).finishedOn) ? '<finishedOn>' : `${score}`);
  const scores = {
    repeat: (key, member, score) => tick(member, score),
    completed: finished,
    failed: finished,
    delayed: due,
    marker: (key, member, score) => (member === '1' ? dueTime(key, score) : `${score}`),
    'waiting-children': (key, member, score) => time(score),
    unsuccessful: (key, member, score) => time(score),
  };
  const byTime = ['completed', 'failed', 'delayed', 'waiting-children', 'unsuccessful']; // equal times sort by chance

  const strings = {
    'stalled-check': time,
    lock: (text) => (new RegExp(`^${uuid.source}:\\d+$`).test(text) ? '<token>' : quote(text)),
  };

  const writers = {
    string: (name, key, text) => [strings[name]?.(text) ?? quote(text)],
    list: (name, key, items) => items.map(quote),
    set: (name, key, members) => members.sort(byName).map(quote),
    zset: (name, key, members) => {
      const inOrder = byTime.includes(name) ? members.sort(([a], [b]) => byName(a, b)) : members;
      return inOrder.map(([member, score]) => `${quote(member)} ${scores[name]?.(key, member, score) ?? score}`);
    },
    hash: (name, key, hash) => Object.keys(hash).sort().map((field) => `${field} ${fields[field]?.(hash[field], key, hash) ?? quote(hash[field])}`),
    stream: (name, key, entries) => entries.map(([id, flat]) => {
      const at = Number(id.split('-')[0]);
      const words = flat.flatMap((field, index) => {
        if (index % 2 !== 0) return [];
        const value = flat[index + 1];
        return field === 'delay' ? `delay=~${Number(value) - at}` : `${field}=${/^[\w.:-]+$/.test(value) ? value : quote(value)}`;
      });
      return `${isTime(at) ? '' : `${id} `}${words.join(' ')}`;
    }),
  };

  /* The throttle of the look for stalled jobs says itself when its life began. */
  const life = (name, { expires, value }) => {
    if (expires === -1) return '';
    return name === 'stalled-check' ? `, lives ±${expires - value}` : `, gone in ~${expires - to}`;
  };

  const described = Object.entries(database).map(([key, { type, expires, value }]) => {
    const name = key.slice(key.lastIndexOf(':') + 1);
    return [key, [`${type}${life(name, { expires, value })}`, ...writers[type](name, key, value)]];
  });
  const inNoOrder = Object.entries(outside).map(([title, lines]) => [title, lines.sort()]);
  return Object.fromEntries([...described, ...inNoOrder]);
}
