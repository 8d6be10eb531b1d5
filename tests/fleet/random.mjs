/*
 * random: the same numbers for the same seed.
 *
 *     const random = randomOf('1 plan');
 *     random.between(1, 6), random.chance(0.3), random.pick(['a', 'b'])
 */
import { createHash } from 'node:crypto';

export function randomOf(seed) {
  let state = createHash('sha256').update(`${seed}`).digest().readUInt32LE();
  /* The generator "mulberry32": from 0 to below 1. */
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    between: (least, most) => least + Math.floor(fraction() * (most - least + 1)),
    chance: (probability) => fraction() < probability,
    pick: (list) => list[Math.floor(fraction() * list.length)],
  };
}
