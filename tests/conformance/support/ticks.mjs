/*
 * ticks: the instants of schedules, told so that two runs have them in common. Those of a pattern are the same in both. A first one that lies
 * within the run is "<tick 0>", and those of `every` count from it, "<tick 1>", ..., if they are that many whole intervals away.
 */
const wordOf = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/* { run, tick(scheduler, ms) }: the run with its ids told so, and one instant of a scheduler. */
export function nameTicks(run, isTime) {
  let text = JSON.stringify(run);
  const schedulers = new Map();
  for (const [key, { type, value }] of Object.entries(run.database)) {
    const [, id] = /:repeat:(.+)$/.exec(key) ?? [];
    if (type !== 'hash' || !id || value.rjk) continue;
    const instants = new RegExp(`(?<=:?repeat:${wordOf(id)}:)\\d+`, 'g');
    const first = Math.min(...[...text.matchAll(instants)].map(Number).filter(isTime));
    if (first === Infinity) continue;
    const every = Number(value.every ?? Infinity);
    const tick = (ms) => ((ms - first) % every === 0 ? `<tick ${(ms - first) / every}>` : `${ms}`);
    schedulers.set(id, { tick, offset: first % every });
    text = text.replaceAll(instants, tick);
  }
  const named = JSON.parse(text);
  for (const [key, { value }] of Object.entries(named.database)) {
    const scheduler = schedulers.get(/:repeat:(.+)$/.exec(key)?.[1]);
    if (scheduler && Number(value.offset) === scheduler.offset) value.offset = '<that of tick 0>';
  }
  return { run: named, tick: (id, ms) => schedulers.get(id)?.tick(ms) ?? `${ms}` };
}
