/*
 * wait: until something is so, never for a fixed time.
 *
 *     const row = await eventually(async () => (await readRow(id)).status === 'success', { what: 'the row to say success' });
 *
 * `condition` is asked again and again until it returns something truthy, which is handed back. If it throws, that counts as "not yet".
 */
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

export async function eventually(condition, { timeout = 10_000, what = 'the condition', interval = 20 } = {}) {
  const end = performance.now() + timeout;
  for (;;) {
    let last;
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      const seen = last instanceof Error ? last.message : inspect(last, { depth: 4 });
      throw new Error(`waited ${timeout / 1000} s in vain for ${what}; last seen: ${seen}`);
    }
    await pause(interval);
  }
}

/* `promise`, or an error that says what did not come in time. */
export function within(promise, timeout, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeout / 1000} s in vain for ${what}`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
