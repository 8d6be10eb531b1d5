const failing = (title, reason, opts = {}) => ({
  title,
  async run({ queue, startWorker }) {
    await queue.add('work', {}, opts);
    await startWorker();
  },
  work: () => { throw new Error(reason); },
});

export default [
  failing('a job fails for good', 'no "such" täble'),
  failing('a reason of several lines', 'first line\n  second line\n\n\tlast line\r\n'),
  failing('a reason of 100 kB', 'no '.repeat(34_000)),
  failing('no reason at all', ''),
  failing('a reason that looks like something else', '{"type":"completed"}'),
  ...[0, 1, 2].map((stackTraceLimit) =>
    failing(`three failures with a stackTraceLimit of ${stackTraceLimit}`, 'again', { attempts: 3, stackTraceLimit })),
  failing('three failures without a stackTraceLimit', 'again', { attempts: 3 }),
  {
    title: 'an unrecoverable failure is not tried again',
    async run({ queue, startWorker }) {
      await queue.add('work', {}, { attempts: 3 });
      await queue.add('work', {});
      await startWorker();
    },
    work: (job, { unrecoverable }) => unrecoverable('it cannot be done'),
  },
];
