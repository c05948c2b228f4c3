/**
 * Loaded before the balancer (`--import` on Node, `--preload` on Bun), in its main thread and in
 * its workers: does to the thread what a file in the folder EVENKEEL_TROUBLES asks for. The main
 * thread takes `block`, the first worker that sees it one of the others: `throw`, `exit`, `hang`.
 * The file becomes `NAME.taken` before the trouble, and `block.done` after it.
 */
import { readFileSync, renameSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';

const lookMs = 10;
const blockMs = 5000;
const folder = process.env.EVENKEEL_TROUBLES;

function busy(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const troubles = isMainThread
  ? {
      block: () => {
        busy(blockMs);
        renameSync(`${folder}/block.taken`, `${folder}/block.done`);
      },
    }
  : {
      throw: () => {
        throw new Error('a trouble of the test');
      },
      exit: () => process.exit(3),
      hang: () => busy(Number.POSITIVE_INFINITY),
    };

function isAsked(name) {
  try {
    renameSync(`${folder}/${name}`, `${folder}/${name}.taken`);
    return true;
  } catch {
    // It is not asked for, or another worker was faster.
    return false;
  }
}

setInterval(() => {
  for (const [name, act] of Object.entries(troubles)) if (isAsked(name)) act();
}, lookMs).unref();

// Node loads this in every thread by itself; on Bun a worker has to be told to.
if (isMainThread && process.versions.bun !== undefined) {
  globalThis.TroubledWorker = class extends Worker {
    constructor(entry, options) {
      super(entry, { ...options, preload: [import.meta.path] });
    }
  };
  Bun.plugin({
    name: 'troubles',
    setup(build) {
      build.onLoad({ filter: /platform\/node\/threads\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const contents = text.replace('new Worker(', 'new TroubledWorker(');
        if (contents === text) throw new Error(`${path} creates no worker`);
        return { contents, loader: 'js' };
      });
    },
  });
}
