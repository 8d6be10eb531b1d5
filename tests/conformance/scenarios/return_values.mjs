const values = [null, '', 'text', 0, -1.5, 0.1, 12345678901, 1e21, 1e-7, true, false, [], {}, { b: 1, a: [null, {}], 'ü/"': '/' }, undefined];

export default {
  title: 'return values of every kind of JSON',
  async run({ queue, startWorker }) {
    for (const value of values) await queue.add('work', { value });
    await startWorker();
  },
  work: ({ data }) => data.value,
};
