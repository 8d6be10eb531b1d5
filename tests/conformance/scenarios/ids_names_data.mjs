const oneJobEach = (title, jobs) => ({
  title,
  async run({ queue, startWorker }) {
    for (const { name = 'work', data = {}, opts } of jobs) await queue.add(name, data, opts);
    await startWorker();
  },
  work: ({ name, data }) => ({ name, data }),
});
const ids = ['custom', 'custom', 'with blanks, "quotes" and ü', '1a', undefined];
const names = ['0', '007', '-1', '1.50', '1e3', 'true', 'null', 'nil', 'line\nbreak', 'täst "quoted" \\'];
const values = [null, '', 'text', 0, -1.5, 12345678901, 1e21, true, false, [], {}, [[]], { a: { b: [null, {}] } }];
const texts = ['ünï ✓ 😀', '\u0001\u001f\u007f', '\\ / " \' ` \t\r\n', '\u2028\u2029', '{"type":"completed"}\n', '</script>'];

export default [
  oneJobEach('jobs with ids of their own, one of them twice', ids.map((jobId) => ({ opts: { jobId } }))),
  oneJobEach('names that look like numbers or words of a language', names.map((name) => ({ name }))),
  oneJobEach('data of every kind of JSON', values.map((data) => ({ data }))),
  oneJobEach('data with any character', texts.map((text) => ({ data: { text, [text]: 1 } }))),
  oneJobEach('data with a zero character', [{ data: 'a\u0000b' }]),
  oneJobEach('data with a zero character in a key', [{ data: { 'a\u0000b': 1 } }]),
  {
    title: 'no data',
    async run({ queue, startWorker }) {
      await queue.add('work');
      await startWorker();
    },
  },
];
