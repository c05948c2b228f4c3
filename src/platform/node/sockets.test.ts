import { platformConformance } from '../../../test/conformance/transport-platform.ts';
import { createNodeTransport } from './sockets.ts';

platformConformance('Node', createNodeTransport());
