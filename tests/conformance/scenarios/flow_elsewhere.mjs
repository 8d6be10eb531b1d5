import { child, flow, parent } from '../support/flow.mjs';

const elsewhere = (...children) => parent(children, {}, 'elsewhere');

export default [
  flow('a parent in another queue moves on', elsewhere(child('a'), child('b'))),
  flow('a parent in another queue waits for a child in a third one', elsewhere(child('a'), { ...child('b'), queueName: 'third' })),
  flow('a parent in another queue that is paused moves on', elsewhere(child('a')), {
    before: async ({ openQueue }) => (await openQueue('elsewhere')).pause(),
  }),
  flow('a parent in another queue that is at its limit moves on, and nobody is woken', elsewhere(child('a')), {
    before: async ({ openQueue, client }) => {
      await (await openQueue('elsewhere')).setGlobalConcurrency(1);
      await client.lpush('bull:elsewhere:active', 'another');
    },
  }),
  flow('a parent in another queue under another prefix moves on', { ...elsewhere({ ...child('a'), prefix: 'bull' }), prefix: 'other' }),
  ...['a', null, { deep: [1] }, 'ü "quoted"'].map((value) =>
    flow(`a parent keeps the value ${JSON.stringify(value)} of its child`, elsewhere(child('a')), { work: () => value })),
];
