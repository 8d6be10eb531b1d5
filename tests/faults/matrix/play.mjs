/*
 * play: many cells, some at once, each on servers that are its own meanwhile.
 *
 *     await playAll(cells, { atOnce: 4, patience: 90, run: runCell, tell: (cell, result) => console.log(cell, result) });
 */
import { startPostgres } from '../../integration/support/postgres.mjs';
import { startRedis } from '../../integration/support/redis.mjs';

export async function playAll(cells, { atOnce, patience, run, tell }) {
  const waiting = [...cells];
  const playSome = async () => {
    const [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 1000'] }), startPostgres()]);
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) tell(cell, await run(cell, { redis, postgres, patience }));
    await Promise.all([redis.stop(), postgres.stop()]);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, cells.length) }, playSome));
}
