/*
 * allowed: where our worker may leave something else than bullmq's. Each entry: in scenarios with such a title, under such a key, such a line of
 * bullmq's and such a line of ours, and why that is right. An entry that no run needs is a failure.
 */
export const allowed = [
  {
    scenario: /./,
    key: /:stalled-check$/,
    bullmq: /^string, lives 30 s$/,
    ours: /^string, lives 28.5 s$/,
    reason: 'A throttle that lives as long as the interval between two looks makes every other look come just too early: BullMQ then looks half as often as it is told to.',
  },
];
