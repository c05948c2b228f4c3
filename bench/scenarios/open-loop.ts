/** Requests at a constant rate, whatever comes back: how long does a request wait? */
import { lacksCompiler, ownLoad } from './own-load.ts';
import { type Bench, type Scenario, sampleOf } from './scenario.ts';

/** A scenario that offers `percent` of nginx's peak. */
export function openLoop(id: string, percent: number, isQuick: boolean): Scenario {
  const rate = async ({ settings, nginxPeak }: Bench): Promise<number> =>
    Math.max(1, Math.round(((await nginxPeak()) * percent * settings.rateFactor) / 100));
  return {
    id,
    name: `constant rate, ${percent} % of nginx's peak`,
    needs: [],
    backends: 'files',
    isBulk: false,
    isFresh: false,
    isQuick,
    compares: ['p99Microseconds', 'p999Microseconds', 'cpuMicrosecondsPerRequest'],
    lacking: lacksCompiler,
    warmUp: async (target, bench) => {
      const { warmUpSeconds } = bench.settings;
      const offered = await rate(bench);
      if (warmUpSeconds > 0) await ownLoad('steady', [target.port], bench, warmUpSeconds, offered);
    },
    run: async (target, bench) => {
      const offered = await rate(bench);
      return sampleOf(
        await ownLoad('steady', [target.port], bench, bench.settings.seconds, offered),
      );
    },
  };
}
