/** Everybody who could take part, in the order in which they run in each round. */
import { builtPeers } from './built.ts';
import type { Entry } from './contestant.ts';
import { evenkeels } from './evenkeel.ts';
import { nodeProxies } from './node-proxies.ts';
import { servers } from './servers.ts';

export const contestants = (): Entry[] => [
  ...evenkeels(),
  ...servers(),
  ...builtPeers(),
  ...nodeProxies(),
];
