/** What became of GETs and POSTs under fire, and what the backends say they were sent. */
import { readFileSync } from 'node:fs';
import type { Outcome } from '../e2e/harness/load.ts';
import { atMost, type Figure, quantile, told } from './figures.ts';

/** Every fourth request is a POST; each target is unique. */
const postEvery = 4;

const isPost = (id: number): boolean => id % postEvery === 0;

/** What may become of a POST: it is answered, or its backend was lost, or was silent. */
const postAnswers = new Set([200, 502, 504]);

/** `most` in milliseconds: how long a GET may take, `part` of them. */
export interface Patience {
  readonly part: number;
  readonly mostMs: number;
}

export class Tally {
  /** Outcomes so far. */
  count = 0;
  private readonly run: string;
  private readonly getMs: number[] = [];
  private failedGets = 0;
  private readonly failures = new Map<string, number>();
  private posts = 0;
  private badPosts = 0;
  private readonly accepted: string[] = [];

  /** `run` sets its targets apart from those of others. */
  constructor(run: string) {
    this.run = run;
  }

  readonly request = (id: number): string =>
    isPost(id)
      ? `POST ${this.target(id)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody`
      : 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

  readonly add = ({ id, status, broken, tookMs }: Outcome): void => {
    this.count++;
    if (isPost(id)) {
      this.posts++;
      if (status === 200) this.accepted.push(this.target(id));
      if (!postAnswers.has(status)) this.badPosts++;
    } else {
      this.getMs.push(tookMs);
      if (status !== 200) this.failedGets++;
    }
    if (status === 200) return;
    const what = `${isPost(id) ? 'POST' : 'GET'}s that got ${status === 0 ? broken : status}`;
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  };

  /** `files`: the notes of all backends. */
  figures(name: string, files: readonly string[], patience: Patience): Figure[] {
    const { part, mostMs } = patience;
    const notes = files
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
      .filter((target) => target.startsWith(`/${this.run}-`));
    const seen = new Set(notes);
    const lost = this.accepted.filter((target) => !seen.has(target)).length;
    return [
      told(`${name}: GETs`, this.getMs.length),
      atMost(`${name}: GETs that failed`, this.failedGets, 0),
      atMost(`${name}: GETs, p${100 * part} ms`, quantile(this.getMs, part), mostMs),
      told(`${name}: POSTs`, this.posts),
      atMost(`${name}: POSTs without 200, 502 or 504`, this.badPosts, 0),
      atMost(`${name}: POSTs that two backends saw`, notes.length - seen.size, 0),
      atMost(`${name}: POSTs answered with 200 and seen by none`, lost, 0),
      ...[...this.failures].map(([what, count]) => told(`${name}: ${what}`, count)),
    ];
  }

  private target(id: number): string {
    return `/${this.run}-${id}`;
  }
}
