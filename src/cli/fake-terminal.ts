/** A terminal that remembers what was said, for tests of commands. */
import type { Terminal } from './terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly said: { out: string; err: string };
}

/** `changes` replace what a silent, colourless pipe would be. */
export function fakeTerminal(changes: Partial<Terminal> = {}): FakeTerminal {
  const said = { out: '', err: '' };
  return {
    said,
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    outFd: 1,
    isTty: false,
    errIsTty: false,
    colour: false,
    env: {},
    isGone: () => false,
    ...changes,
  };
}
