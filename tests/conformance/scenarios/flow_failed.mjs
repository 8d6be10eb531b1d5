import { child, flow, parent, whenChildFails } from '../support/flow.mjs';

const failing = (option) => {
  const bad = (opts = {}) => child('bad', { [option]: true, ...opts });
  return [
    flow(`a child with ${option} fails first`, parent([bad(), child('good')])),
    flow(`a child with ${option} fails last`, parent([child('good'), bad()])),
    flow(`a child with ${option} fails, its parent being in another queue`, parent([bad(), child('good')], {}, 'elsewhere')),
    flow(`a child with ${option} fails, its parent having a priority`, parent([bad()], { priority: 3 })),
    flow(`a child with ${option} fails, its parent having a delay`, parent([bad()], { delay: 3_600_000 }, 'elsewhere')),
    flow(`a child with ${option} fails and is removed`, parent([bad({ removeOnFail: true }), child('good')])),
    flow(`a child with ${option} fails in its second attempt`, parent([bad({ attempts: 2 }), child('good')])),
  ];
};

export default [
  flow('a child fails, and its parent goes on waiting', parent([child('bad'), child('good')])),
  flow('a child fails and is removed, and its parent goes on', parent([child('bad', { removeOnFail: true }), child('good')])),
  flow('two children that fail their parent', parent(['bad', 'bad too'].map((name) => child(name, { failParentOnFailure: true })))),
  ...whenChildFails.flatMap(failing),
];
