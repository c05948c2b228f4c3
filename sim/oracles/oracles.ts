/** All that is known beforehand: `npm run sim -- oracles` compares. */
import type { Oracle } from './oracle.ts';
import { places } from './places.ts';
import { prequal } from './prequal.ts';
import { queues } from './queues.ts';
import { shares } from './shares.ts';

export const oracles: readonly Oracle[] = [...queues, ...places, ...shares, ...prequal];
