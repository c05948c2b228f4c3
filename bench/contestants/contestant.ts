/** Who can be measured, and what it is told when it starts. */
import type { Command } from '../stage.ts';

/** What not every proxy has. */
export type Ability = 'access log' | 'WebSocket';

/** What a contestant is started with. */
export interface Setup {
  readonly port: number;
  /** The ports of the three backends. */
  readonly backends: readonly [number, number, number];
  /** For files of its own. */
  readonly folder: string;
  /** Writes a file to the folder; its path. */
  write(name: string, content: string): string;
  /** Where its access log goes; null: it writes none. */
  readonly accessLog: string | null;
  /** Bodies of 64 KiB and more are to come. */
  readonly isBulk: boolean;
  /** As many clients as its descriptors allow. */
  readonly connections: number;
}

export interface Contestant {
  /** In the JSON and for `--contestants`. */
  readonly id: string;
  /** With its version, for the table. */
  readonly name: string;
  /** What it cannot do: scenarios that need it go on without it. */
  readonly lacks: readonly Ability[];
  /** Builds what must be built. Throws when that fails. */
  prepare?(): void;
  command(setup: Setup): Command;
}

/** Somebody who could take part and does not. */
export interface Skipped {
  readonly id: string;
  /** With what to install. */
  readonly why: string;
}

/** A contestant that runs only when it is named. */
export interface Optional {
  readonly isOptional?: boolean;
}

export type Entry = (Contestant | Skipped) & Optional;

export const isSkipped = (entry: Contestant | Skipped): entry is Skipped => 'why' in entry;

/** The ports as templates name them. */
export function portsOf({ port, backends }: Setup): Record<string, number> {
  const [BACKEND1, BACKEND2, BACKEND3] = backends;
  return { PORT: port, BACKEND1, BACKEND2, BACKEND3 };
}

/** The first version number in a program's words. */
export const versionIn = (text: string): string =>
  /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? 'of unknown version';
