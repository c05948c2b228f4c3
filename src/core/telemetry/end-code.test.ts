import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FailureKind, Side } from '../base/failure.ts';
import { allEndCodes, endCode } from './end-code.ts';

const SIDES: readonly Side[] = ['client', 'backend', 'us'];

/** Read from the source, so that a kind added there is tested here without anybody's doing. */
function kindsInSource(): readonly FailureKind[] {
  const source = readFileSync(new URL('../base/failure.ts', import.meta.url), 'utf8');
  const union = /export type FailureKind =([\s\S]*?);\n/.exec(source)![1]!;
  return [...union.matchAll(/\| '(\w+)'/g)].map((match) => match[1] as FailureKind);
}

describe('endCode', () => {
  it('is ok when nothing failed', () => {
    expect(endCode(null)).toBe('ok');
  });

  it('has a code for every kind on every side, made of lower-case words', () => {
    const kinds = kindsInSource();
    expect(kinds.length).toBeGreaterThan(20);
    for (const kind of kinds) {
      for (const side of SIDES) {
        const code = endCode({ kind, side });
        expect(code, `${side} ${kind}`).toMatch(/^[a-z]+(_[a-z]+)*$/);
        expect(allEndCodes()).toContain(code);
      }
    }
  });

  it('never says that a failure was ok', () => {
    for (const kind of kindsInSource()) {
      for (const side of SIDES) expect(endCode({ kind, side })).not.toBe('ok');
    }
  });

  it.each([
    ['client', 'reset', 'client_reset'],
    ['backend', 'reset', 'backend_reset'],
    ['backend', 'refused', 'backend_refused'],
    ['backend', 'timeout_head', 'backend_timeout_head'],
    ['us', 'no_backend', 'no_backend'],
    ['us', 'no_resources', 'no_resources'],
    ['us', 'unresolved', 'backend_unresolved'],
  ] as const)('%s %s is %s', (side, kind, code) => {
    expect(endCode({ side, kind })).toBe(code);
  });

  it('is explained code by code in docs/log.md, and nothing else is', () => {
    const docs = readFileSync(new URL('../../../docs/log.md', import.meta.url), 'utf8');
    const section = docs.split('## End codes')[1]!.split('\n## ')[0]!;
    const documented = [...section.matchAll(/^\| `(\w+)` +\|/gm)].map((match) => match[1]!);
    expect(documented.toSorted()).toEqual(allEndCodes().toSorted());
  });
});
