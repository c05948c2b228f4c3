/** Commands that end by themselves: what they printed and their exit code. */
import { spawn } from 'node:child_process';

export interface Ended {
  /** null: it was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** Killed after so long; 20 s unless given. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. A program that is not there ends with code 127. */
export function runCommand(
  program: string,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, [...words], { cwd: options.cwd, stdio: 'pipe' });
    const printed = { out: '', err: '' };
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      printed.out += text;
    });
    child.stderr.setEncoding('latin1').on('data', (text: string) => {
      printed.err += text;
    });
    const force = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 20_000);
    const finish = (code: number | null): void => {
      clearTimeout(force);
      resolve({ code, ...printed });
    };
    child.once('error', () => finish(127));
    child.once('close', finish);
    // A program may end before it has read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}
