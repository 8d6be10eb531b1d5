/*
 * ticks: the instants of schedules, told so that two runs have them in common. Those of a pattern are the same in both. A first one that lies
 * within the run is "<tick 0>", and those of `every` count from it, "<tick 1>", ..., if they are that many whole intervals away.
 */
const wordOf = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/*
 * { run, tick, dueOf }: the run with its ids told so; an instant of a scheduler, tick(scheduler, ms); and when a job of a scheduler is due, in ms,
 * dueOf(id), with its id as it is told.
 */
export function nameTicks(run, isTime) {
  let text = JSON.stringify(run);
  const firsts = new Map(); // scheduler -> { first, every }
  const tick = (id, ms) => {
    const { first, every } = firsts.get(id) ?? {};
    return (ms - first) % every === 0 ? `<tick ${(ms - first) / every}>` : `${ms}`;
  };
  for (const [key, { type, value }] of Object.entries(run.database)) {
    const [, id] = /:repeat:(.+)$/.exec(key) ?? [];
    if (type !== 'hash' || !id || value.rjk) continue;
    const instants = new RegExp(`(?<=:?repeat:${wordOf(id)}:)\\d+`, 'g');
    const first = Math.min(...[...text.matchAll(instants)].map(Number).filter(isTime));
    if (first === Infinity) continue;
    firsts.set(id, { first, every: Number(value.every ?? Infinity) });
    text = text.replaceAll(instants, (ms) => tick(id, ms));
  }
  const named = JSON.parse(text);
  for (const [key, { value }] of Object.entries(named.database)) {
    const { first, every } = firsts.get(/:repeat:(.+)$/.exec(key)?.[1]) ?? {};
    if (first !== undefined && Number(value.offset) === first % every) value.offset = '<that of tick 0>';
  }
  const dueOf = (job) => {
    const [, scheduler, instant] = /^repeat:(.*):(.+)$/.exec(job);
    const [, number] = /^<tick (\d+)>$/.exec(instant) ?? [];
    const { first, every } = firsts.get(scheduler) ?? {};
    return number === undefined ? Number(instant) : first + (number > 0 ? number * every : 0);
  };
  return { run: named, tick, dueOf };
}
