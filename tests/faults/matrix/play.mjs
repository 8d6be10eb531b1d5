/*
 * play: many cells, some at once, each on servers that are its own meanwhile.
 *
 *     await playAll(cells, 4, (cell, result) => console.log(cell, result));
 */
import { startPostgres } from '../../integration/support/postgres.mjs';
import { startRedis } from '../../integration/support/redis.mjs';
import { runCell } from './cell.mjs';

export async function playAll(cells, atOnce, tell) {
  const waiting = [...cells];
  const playSome = async () => {
    const [redis, postgres] = await Promise.all([startRedis({ extraArgs: ['databases 1000'] }), startPostgres()]);
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) tell(cell, await runCell(cell, { redis, postgres }));
    await Promise.all([redis.stop(), postgres.stop()]);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, cells.length) }, playSome));
}
