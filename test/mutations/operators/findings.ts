/**
 * What processes that may be killed at any moment have found out, line by line: which mutant was
 * tried by what, and which were killed. Whoever takes over tries nothing twice.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/**
 * `again`: the try says nothing; `pause`: something else is done now; `done`: nothing is left.
 */
type Line =
  | readonly [what: 'try' | 'again' | 'killed', number: number, text: string]
  | readonly [what: 'pause' | 'done', number?: undefined, text?: undefined];

export class Findings {
  /** Who killed it, by number. */
  readonly killed = new Map<number, string>();
  /** Passed by some test at least. */
  readonly tried = new Set<number>();
  /** The last try, while it lasts. */
  open: readonly [number: number, test: string] | null = null;
  isDone = false;
  /** How many tries this process has begun. */
  tries = 0;
  private readonly begun = new Set<string>();
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line !== '') this.take(JSON.parse(line));
    }
  }

  isLeft(number: number, test: string): boolean {
    return !this.killed.has(number) && !this.begun.has(`${number} ${test}`);
  }

  /** Before the try: it may be the last thing that is heard. */
  beginTry(number: number, test: string): void {
    this.tries++;
    this.write(['try', number, test]);
  }

  /** The try has shown nothing: something before it has left the process in disorder. */
  tryAgain(number: number, test: string): void {
    this.write(['again', number, test]);
  }

  kill(number: number, by: string): void {
    this.write(['killed', number, by]);
  }

  /** What comes now takes its time, and no mutant is on. */
  pause(): void {
    this.write(['pause']);
  }

  finish(): void {
    this.write(['done']);
  }

  private write(line: Line): void {
    this.take(line);
    appendFileSync(this.path, `${JSON.stringify(line)}\n`);
  }

  private take(line: Line): void {
    const [what, number = 0, text = ''] = line;
    this.open = what === 'try' ? [number, text] : null;
    switch (what) {
      case 'try':
        this.tried.add(number);
        this.begun.add(`${number} ${text}`);
        break;
      case 'again':
        this.begun.delete(`${number} ${text}`);
        break;
      case 'killed':
        this.killed.set(number, text);
        break;
      case 'done':
        this.isDone = true;
        break;
    }
  }
}
