import { platformConformance } from '../../../test/conformance/transport-platform.ts';
import { createNodeTransport } from './sockets.ts';

platformConformance('Node', createNodeTransport());
// On Bun there is nothing below its streams that could be used.
if (process.versions.bun === undefined) {
  platformConformance('Node, by its streams alone', createNodeTransport(false, false));
}
