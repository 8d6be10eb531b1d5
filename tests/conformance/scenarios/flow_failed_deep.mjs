/* A child fails its parent, which then tells its own. */
import { child, flow, parent, whenChildFails } from '../support/flow.mjs';

const deep = (title, option, work) =>
  flow(title, parent([{ ...child('middle', { [option]: true }), children: [child('bad', { failParentOnFailure: true, attempts: 2 })] }]), { work });

export default [
  ...whenChildFails.map((option) => deep(`a grandchild fails its parent, a child with ${option}`, option)),
  deep('a grandchild fails for good, and so does everybody above it', 'failParentOnFailure', (job, { unrecoverable }) => unrecoverable('hopeless')),
];
