/** wrk: each connection asks, waits for the answer, and asks again. */
import { join } from 'node:path';
import { type LoadReport, readReport } from '../load/report.ts';
import { root } from '../repository.ts';
import { type Bench, type Scenario, sampleOf, type Target } from './scenario.ts';

interface Shape {
  readonly path?: string;
  /** Header fields besides Host. */
  readonly fields?: readonly string[];
  /** Makes it a POST. */
  readonly bodyBytes?: number;
  /** Instead of what `--connections` says. */
  readonly connections?: number;
  /** Of a run, where opening the connections takes long. */
  readonly leastSeconds?: number;
}

type Traits = Partial<Pick<Scenario, 'needs' | 'backends' | 'isBulk' | 'isQuick'>>;

/** Loads `target`; wrk knows whole seconds only. */
export async function wrk(
  { port }: Pick<Target, 'port'>,
  bench: Pick<Bench, 'stage' | 'loadCpu' | 'settings'>,
  shape: Shape,
  seconds: number,
): Promise<LoadReport> {
  const connections = shape.connections ?? bench.settings.connections;
  const script = join(root, 'bench/load/wrk.lua');
  const argv: [string, ...string[]] = [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    ...['--timeout', '10s', '-s', script],
    ...(shape.fields ?? []).flatMap((field) => ['-H', field]),
    `http://127.0.0.1:${port}${shape.path ?? '/'}`,
    ...['--', String(shape.bodyBytes ?? 0)],
  ];
  return readReport(await bench.stage.run(bench.loadCpu, { argv }));
}

/** A scenario that wrk can make. */
export function closedLoop(
  id: string,
  name: string,
  shape: Shape = {},
  traits: Traits = {},
): Scenario {
  const atLeast = (seconds: number): number => Math.max(seconds, shape.leastSeconds ?? 0);
  return {
    id,
    name,
    needs: traits.needs ?? [],
    backends: traits.backends ?? 'files',
    isBulk: traits.isBulk ?? false,
    isFresh: false,
    isQuick: traits.isQuick ?? false,
    compares: ['cpuMicrosecondsPerRequest'],
    lacking: () => null,
    warmUp: async (target, bench) => {
      const { warmUpSeconds } = bench.settings;
      if (warmUpSeconds > 0) await wrk(target, bench, shape, atLeast(warmUpSeconds));
    },
    run: async (target, bench) => {
      const report = await wrk(target, bench, shape, atLeast(bench.settings.seconds));
      return sampleOf(report, shape.bodyBytes);
    },
  };
}
