/*
 * allowed: where our worker may leave something else than bullmq's. Each entry: in scenarios with such a title, under such a key, such a line of
 * bullmq's and such a line of ours, and why that is right. An entry that no run needs is a failure.
 */
export const allowed = [];
