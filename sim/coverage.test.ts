import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { coverageLines, MARKS, missing, surprises } from './coverage.ts';
import { runSeed } from './run.ts';

const SEEDS = 240;

describe('coverage', () => {
  it('of these seeds is everything that can be reached, and nothing that cannot', () => {
    const marks = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = runSeed(seed, { forMs: null, print: null });
      expect(result.violation, `seed ${seed}`).toBeNull();
      for (const [mark, n] of result.marks) marks.set(mark, (marks.get(mark) ?? 0) + n);
    }
    expect(missing(marks)).toEqual([]);
    expect(surprises(marks)).toEqual([]);
  }, 300_000);

  it('looks for every event of the page on the log', () => {
    const page = readFileSync('docs/log.md', 'utf8');
    const [, table] = page.split('Those of backends and traffic');
    const rows = table.split('## End codes')[0].match(/^\| `.*?\|/gm)!;
    const events = rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(events.length).toBeGreaterThan(25);
    for (const event of events) expect(MARKS).toContain(`event ${event}`);
  });

  it('tells what was reached how often, what never, and why', () => {
    const lines = coverageLines(new Map([['end ok', 7]]));
    expect(lines.find((line) => /^end ok /.test(line))).toMatch(/ 7$/);
    expect(lines.find((line) => /^end internal/.test(line))).toMatch(/never: a mistake of ours$/);
    expect(lines.find((line) => /^relay reset /.test(line))).toMatch(/ NEVER$/);
    expect(missing(new Map([['end ok', 7]]))).not.toContain('end ok');
    expect(surprises(new Map([['end no_route', 1]]))).toEqual(['end no_route']);
  });
});
