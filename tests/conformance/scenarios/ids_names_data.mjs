const oneJobEach = (title, jobs) => ({
  title,
  async run({ queue, startWorker }) {
    for (const [name, data, opts] of jobs) await queue.add(name, data, opts);
    await startWorker();
  },
  work: ({ name, data }) => ({ name, data }),
});

export default [
  oneJobEach('jobs with ids of their own, one of them twice', [
    ['work', 1, { jobId: 'custom' }],
    ['work', 2, { jobId: 'custom' }],
    ['work', 3, { jobId: 'with blanks, "quotes" and ü' }],
    ['work', 4, { jobId: '1a' }],
    ['work', 5, {}],
  ]),
  oneJobEach('names that look like numbers or words of a language', ['0', '007', '-1', '1.50', '1e3', 'true', 'null', 'nil', 'line\nbreak', 'täst "quoted" \\'].map((name) => [name, {}])),
  oneJobEach('data of every kind of JSON', [undefined, null, '', 'text', 0, -1.5, 12345678901, 1e21, true, false, [], {}, [[]], { a: { b: [null, {}] } }].map((data) => ['work', data])),
  oneJobEach('data with any character', ['ünï ✓ 😀', '\u0001\u001f\u007f', '\\ / " \' ` \t\r\n', '\u2028\u2029', '{"type":"completed"}\n', '</script>'].map((data) => ['work', { data, [data]: 1 }])),
  oneJobEach('data with a zero character', [['work', { data: 'a\u0000b' }]]),
  oneJobEach('data with a zero character in a name', [['work', { 'a\u0000b': 1 }]]),
  {
    title: 'a megabyte of data',
    async run({ queue, startWorker }) {
      await queue.add('work', { text: 'ü'.repeat(524_288) });
      await startWorker();
    },
    work: ({ data }) => data.text.length,
  },
  {
    title: 'a return value of half a megabyte',
    async run({ queue, startWorker }) {
      await queue.add('work', {});
      await startWorker();
    },
    work: () => ({ text: 'x'.repeat(500_000) }),
  },
  {
    title: 'return values of every kind of JSON',
    async run({ queue, startWorker }) {
      for (const value of [null, '', 'text', 0, -1.5, 0.1, 12345678901, 1e21, 1e-7, true, false, [], {}, { b: 1, a: [null, {}], 'ü/"': '/' }]) await queue.add('work', { value });
      await queue.add('work', {});
      await startWorker();
    },
    work: ({ data }) => data.value,
  },
];
