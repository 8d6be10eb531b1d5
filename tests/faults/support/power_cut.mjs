/*
 * power_cut: what a directory may hold after the power was cut between two of a program's system calls.
 *
 * The model is the least that POSIX promises. What fsync() of a file covers is there. Of what was written to it since, all may be there, or
 * nothing, or zeros where data should be. A name that was made, moved or removed since the last fsync() of the directory may be so, or not,
 * whatever became of the other names. A directory that was made, and its parent not synced since, may have vanished with all that it held.
 */
const apply = {
  write(content, { offset, bytes }) {
    const grown = Buffer.alloc(Math.max(content.length, offset + bytes.length));
    content.copy(grown);
    bytes.copy(grown, offset);
    return grown;
  },
  truncate: (content, { length }) => Buffer.concat([content, Buffer.alloc(length)]).subarray(0, length),
};

/* What the changes of names since the last sync do to the map of names; each may be lost. */
const changeOfNames = {
  create: ({ name, file }) => (names) => names.set(name, file),
  rename: ({ from, to }, now) => {
    const file = now.get(from);
    return (names) => names.set(to, file) && names.delete(from);
  },
  link: ({ from, to }, now) => {
    const file = now.get(from);
    return (names) => names.set(to, file);
  },
  unlink: ({ name }) => (names) => names.delete(name),
};

/* Every choice of some of the changes. */
function* subsets(changes) {
  for (let choice = 0; choice < 2 ** changes.length; choice++) yield changes.filter((_, index) => choice & (1 << index));
}

function* contentsOf({ durable, written }) {
  yield durable;
  if (written === durable) return;
  yield written;
  const zeros = Buffer.alloc(written.length);
  durable.copy(zeros, 0, 0, Math.min(durable.length, zeros.length));
  yield zeros;
}

/* Every { name: content } that the names may stand for. */
function* contentsOfAll(names, files) {
  const [first, ...others] = names;
  if (first === undefined) {
    yield new Map();
    return;
  }
  const [name, file] = first;
  for (const content of contentsOf(files.get(file))) {
    for (const rest of contentsOfAll(others, files)) yield new Map([[name, content], ...rest]);
  }
}

/*
 * After each event, each state of the directory: { after: number of the event, said, directory: Map of name to content }. `wanted` tells which
 * names are of interest.
 */
export function* statesAfterPowerCut(events, wanted) {
  const files = new Map();
  const now = new Map();     // the names as the program sees them
  const durable = new Map(); // the names as of the last sync of the directory
  let changes = [];          // of names, since
  let mayVanish = false;     // the directory itself
  let said = false;

  for (const [after, event] of events.entries()) {
    const { type, file } = event;
    if (type === 'present') {
      files.set(file, { durable: event.bytes, written: event.bytes });
      for (const names of [now, durable]) names.set(event.name, file);
      continue;
    }
    if (type in changeOfNames) {
      if (type === 'create') files.set(file, { durable: Buffer.alloc(0), written: Buffer.alloc(0) });
      const change = changeOfNames[type](event, now);
      change(now);
      changes.push(change);
    } else if (type in apply) files.get(file).written = apply[type](files.get(file).written, event);
    else if (type === 'sync') files.get(file).durable = files.get(file).written;
    else if (type === 'sync directory' || type === 'sync all') {
      for (const change of changes) change(durable);
      changes = [];
      if (type === 'sync all') {
        for (const one of files.values()) one.durable = one.written;
        mayVanish = false;
      }
    } else if (type === 'make directory') mayVanish = true;
    else said = true;

    if (mayVanish) yield { after, said, directory: new Map() };

    for (const kept of subsets(changes)) {
      const names = new Map(durable);
      for (const change of kept) change(names);
      const interesting = [...names].filter(([name]) => wanted(name));
      for (const directory of contentsOfAll(interesting, files)) yield { after, said, directory };
    }
  }
}
