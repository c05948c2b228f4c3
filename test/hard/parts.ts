/** The parts of the suite by name. */
import { bulk } from './bulk.ts';
import { descriptors } from './descriptors.ts';
import type { Figure, Scale } from './figures.ts';
import { frozen } from './frozen.ts';
import { hostileAnswers, hostileExtras } from './hostile.ts';
import { allDead, blackHoles, freezes, kills, stops } from './kills.ts';
import { outputs } from './outputs.ts';
import { slowClients } from './slow.ts';
import { soak } from './soak.ts';
import { workers } from './workers.ts';

/** In the order in which they run. */
export const parts: ReadonlyMap<string, (scale: Scale) => Promise<Figure[]>> = new Map([
  ['extra-bytes', hostileExtras],
  ['odd-answers', hostileAnswers],
  ['kills', kills],
  ['freezes', freezes],
  ['black-holes', blackHoles],
  ['all-dead', allDead],
  ['stops', stops],
  ['bulk', bulk],
  ['slow-clients', slowClients],
  ['descriptors', descriptors],
  ['frozen', frozen],
  ['outputs', outputs],
  ['workers', workers],
  ['soak', soak],
]);
