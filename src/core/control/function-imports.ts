/**
 * A worker's policy functions: imported once for each configuration that has some, and waited for
 * no longer than ten seconds.
 */
import type { Clock } from '../base/clock.ts';
import type { PolicyFunction } from '../policy-function.ts';
import type { FunctionsView } from './messages.ts';
import { spellDuration } from './wording.ts';

/** Pool -> function; or why they cannot be had, for people. */
export type Imported =
  | { readonly functions: ReadonlyMap<string, PolicyFunction> }
  | { readonly problem: string };

/** Imports a module in this thread. `done` is called once, perhaps before it returns, or never. */
export type ImportFunctions = (
  functions: FunctionsView,
  done: (imported: Imported) => void,
) => void;

const PATIENCE_MS = 10_000;

export class FunctionImports {
  private readonly clock: Clock;
  private readonly importFunctions: ImportFunctions;
  /** By number, those that may still be asked for. */
  private readonly known = new Map<number, Import>();

  constructor(clock: Clock, importFunctions: ImportFunctions) {
    this.clock = clock;
    this.importFunctions = importFunctions;
  }

  /** `done` is called once: before this returns if they were asked for before and are there. */
  get(functions: FunctionsView, done: (imported: Imported) => void): void {
    const { id, module } = functions;
    let known = this.known.get(id);
    if (known === undefined) {
      const begun = new Import();
      known = begun;
      this.known.set(id, begun);
      const { clock } = this;
      const alarm = clock.wakeAt(clock.nowMs() + PATIENCE_MS, () => {
        const waited = spellDuration(PATIENCE_MS);
        begun.end({ problem: `${module.path} is still being imported after ${waited}` });
      });
      this.importFunctions(functions, (imported) => {
        alarm.cancel();
        begun.end(imported);
      });
    }
    known.whenEnded(done);
  }

  /** Those with this number are in use: the ones before are not asked for again. */
  forgetBefore(id: number): void {
    for (const each of [...this.known.keys()]) if (each < id) this.known.delete(each);
  }
}

class Import {
  private imported: Imported | null = null;
  private readonly waiting: ((imported: Imported) => void)[] = [];

  end(imported: Imported): void {
    if (this.imported !== null) return;
    this.imported = imported;
    for (const done of this.waiting.splice(0)) done(imported);
  }

  whenEnded(done: (imported: Imported) => void): void {
    if (this.imported === null) this.waiting.push(done);
    else done(this.imported);
  }
}
