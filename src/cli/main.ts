#!/usr/bin/env node
/** The command `evenkeel`. */
import { ExitCode } from './exit-code.ts';
import { runCommandLine } from './program.ts';
import { processTerminal } from './terminal.ts';

const terminal = processTerminal();
runCommandLine(process.argv.slice(2), terminal).then(
  // Not left to the empty event loop: a reader that does not read must not keep us.
  (code) => process.exit(code),
  (error: unknown) => {
    terminal.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(ExitCode.failure);
  },
);
