/** The functions of a configuration can be used when every worker has imported them. */
import type { Config } from '../config.ts';
import type { FunctionsView } from './messages.ts';

export class PrepareVote {
  readonly functions: FunctionsView;
  private readonly waiting: Set<number>;
  private readonly done: (problem: string | null) => void;

  /** `done` is called once. */
  constructor(functions: FunctionsView, workers: number, done: (problem: string | null) => void) {
    this.functions = functions;
    this.waiting = new Set(Array.from({ length: workers }, (_, worker) => worker));
    this.done = done;
  }

  /** Nobody's answer is waited for any more. */
  get isOver(): boolean {
    return this.waiting.size === 0;
  }

  /** A worker has them, or says why not: one is enough. */
  cast(worker: number, problem: string | null): void {
    if (!this.waiting.has(worker)) return;
    if (problem !== null) this.end(`worker ${worker}: ${problem}`);
    else {
      this.waiting.delete(worker);
      if (this.isOver) this.done(null);
    }
  }

  /** It is over before everybody has them. */
  end(problem: string): void {
    if (this.isOver) return;
    this.waiting.clear();
    this.done(problem);
  }
}

/** What workers are told of the functions of this configuration; null: it has none. */
export function functionsOf(config: Config, id: number): FunctionsView | null {
  const { functions: module, pools } = config;
  if (module === null) return null;
  const texts = pools.flatMap(({ name, choose }): [string, string][] =>
    choose === null ? [] : [[name, String(choose)]],
  );
  return { id, module, texts: new Map(texts) };
}

/** The same without functions, which cannot be sent to another thread. */
export function withoutFunctions(config: Config): Config {
  if (config.pools.every(({ choose }) => choose === null)) return config;
  return { ...config, pools: config.pools.map((pool) => ({ ...pool, choose: null })) };
}
