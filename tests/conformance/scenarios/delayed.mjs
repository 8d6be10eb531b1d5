const due = { delay: 250 };

export default [
  {
    title: 'a delayed job is taken when it is due',
    async run({ queue, startWorker, state }) {
      await startWorker();
      await state(await queue.add('work', {}, due), 'completed');
    },
  },
  {
    title: 'a delayed job that comes later, and is due earlier, wakes the worker that waits for another',
    async run({ queue, startWorker, idle, state }) {
      await startWorker();
      const late = await queue.add('late', {}, { delay: 1200 });
      await idle();
      const early = await queue.add('early', {}, { delay: 200 });
      await state(early, 'completed');
      await state(late, 'completed');
    },
  },
  {
    title: 'a delayed job is promoted by hand',
    async run({ queue, startWorker, idle }) {
      await startWorker();
      const job = await queue.add('work', {}, { delay: 3_600_000 });
      await idle();
      await job.promote();
    },
  },
  {
    title: 'jobs that are far from due stay delayed',
    async run({ queue, startWorker }) {
      await queue.add('tomorrow', {}, { delay: 86_400_000 });
      await queue.add('in an hour', {}, { delay: 3_600_000 });
      await startWorker();
      await queue.add('soon', {});
    },
  },
  {
    title: 'many jobs were due before the worker came',
    async run({ queue, startWorker }) {
      const opts = (delay) => ({ delay, timestamp: 1_700_000_000_000 });
      for (const delay of [3000, 1000, 2000, 2000]) await queue.add(`after ${delay} ms`, {}, opts(delay));
      await queue.add('lifo', {}, { ...opts(500), lifo: true });
      await queue.add('waits', {});
      await startWorker();
    },
  },
  {
    title: 'more jobs were due than one look makes ready',
    busy: true,
    async run({ queue, startWorker, held }) {
      await queue.addBulk(Array.from({ length: 1003 }, (_, index) => ({ name: 'work', data: {}, opts: { delay: index + 1, timestamp: 1_700_000_000_000 } })));
      await startWorker();
      await held();
    },
    work: (job, { hold }) => hold(),
  },
  {
    title: 'a job becomes due while the worker is busy',
    async run({ queue, startWorker, held, release, until }) {
      await startWorker();
      await queue.add('first', {});
      await held();
      const job = await queue.add('second', {}, due);
      await until(() => Date.now() > job.timestamp + due.delay, 'the second to be due');
      release();
    },
    work: ({ name }, { hold }) => name === 'first' && hold(),
  },
  {
    title: 'a delay is changed',
    async run({ queue, startWorker, idle, state }) {
      await startWorker();
      const sooner = await queue.add('sooner', {}, { delay: 3_600_000 });
      const later = await queue.add('later', {}, { delay: 60_000 });
      await idle();
      await later.changeDelay(7_200_000);
      await sooner.changeDelay(100);
      await state(sooner, 'completed');
    },
  },
];
