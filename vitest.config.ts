import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where nothing but computing is tested: no process is started, no real time passes. */
const PURE = [
  'src/core/**/*.test.ts',
  'src/config/**/*.test.ts',
  'src/explain/**/*.test.ts',
  'src/simulate/**/*.test.ts',
  'src/testing/**/*.test.ts',
  'examples/**/*.test.ts',
  'sim/**/*.test.ts',
  'test/*.test.ts',
  'test/conformance/{policy,by-key,shares}.test.ts',
  'test/{golden/{config,explain,simulate},wire/wire}.test.ts',
];

/** Takes long, and comes out the same on every runtime: for the first one alone. */
const ONCE = [
  'sim/{queueing,adaptive,prequal,slow-start,shrink,coverage}.test.ts',
  'sim/{adaptive-limit,hedging,retry-storm,run}.test.ts',
  'sim/{scenarios,oracles}/*.test.ts',
  'test/*-interleavings.test.ts',
  'test/mutations/**/*.test.ts',
  'test/conformance/shares.test.ts',
  'test/corpora.test.ts',
  'test/fuzz/differential.test.ts',
  'bench/{quick,troubles/quick}.test.ts',
];
const not = process.env.EVENKEEL_RUNTIME === undefined ? [] : ONCE;

/** Examples import the package as its users do; here that is its sources. */
const alias = {
  'evenkeel/testing': fileURLToPath(new URL('src/testing/testing.ts', import.meta.url)),
};

const common = { testTimeout: 60_000, hookTimeout: 60_000, pool: 'forks' } as const;

export default defineConfig({
  test: {
    projects: [
      // Files share a process, and two run at once: nobody minds.
      {
        resolve: { alias },
        test: {
          ...common,
          name: 'pure',
          include: PURE,
          exclude: not,
          isolate: false,
          maxWorkers: 2,
        },
      },
      // One after the other, alone on the machine: they look at clocks and sockets.
      {
        test: {
          ...common,
          name: 'real',
          include: ['{src,test,bench}/**/*.test.ts'],
          exclude: [...PURE, ...not, '**/node_modules/**'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
