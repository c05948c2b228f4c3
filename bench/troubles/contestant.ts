/** Who stands before the ten servers. */
import type { Command, Stage } from '../stage.ts';
import type { Sheet, Trouble } from './trouble.ts';

/** Whoever has not answered in so long never will. */
export const TIMEOUT_MS = 1000;
/** The same of a connection. */
export const CONNECT_MS = 500;
/** Between two looks at whether a server is well, where that is asked for. */
export const CHECK_MS = 500;

/** What a contestant is started with. */
export interface Setup {
  readonly stage: Stage;
  readonly port: number;
  /** Ports. */
  readonly servers: readonly number[];
  readonly trouble: Trouble;
}

export interface Contestant {
  /** For `--contestants`. */
  readonly id: string;
  /** In the table. */
  readonly name: string;
  readonly sheet: Sheet;
  command(setup: Setup): Command;
}
