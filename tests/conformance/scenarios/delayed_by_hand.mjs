export default [
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
