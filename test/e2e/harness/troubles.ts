/** A balancer whose threads get into the troubles that a folder asks for (`peers/troubles.mjs`). */
import { fileURLToPath } from 'node:url';
import { Balancer } from './balancer.ts';
import { runtimeFacts } from './runtime.ts';

/** `folder`: where files ask for troubles. */
export function startTroubled(config: string, folder: string): Promise<Balancer> {
  const preload = fileURLToPath(new URL('../peers/troubles.mjs', import.meta.url));
  const option = runtimeFacts().isBun ? '--preload' : '--import';
  return Balancer.start({
    config,
    shell: `runtime=$1; shift; exec "$runtime" ${option} '${preload}' "$@"`,
    env: { EVENKEEL_TROUBLES: folder },
  });
}
