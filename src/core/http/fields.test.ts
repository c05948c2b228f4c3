import { describe, expect, it } from 'vitest';
import { latin1 } from '../base/bytes.ts';
import { Field, fieldId, forbiddenInTrailer, hashStep } from './fields.ts';

function idOf(name: string, before = '', after = ''): Field {
  const bytes = latin1(before + name + after);
  let hash = 0;
  for (const letter of name.toLowerCase()) hash = hashStep(hash, letter.charCodeAt(0));
  return fieldId(bytes, before.length, before.length + name.length, hash);
}

const names = Object.entries(Field)
  .filter(([key]) => key !== 'other' && key !== 'dropped')
  .map(([key, id]) => [key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), id] as const);

describe('a known field', () => {
  it.each(names)('%s is found by its name, in any case, anywhere in memory', (name, id) => {
    expect(idOf(name)).toBe(id);
    expect(idOf(name.toUpperCase())).toBe(id);
    expect(idOf(name, 'xx', ': 1')).toBe(id);
  });

  it.each(names)('%s is not taken for a name that only looks like it', (name) => {
    const others = [`${name}x`, `x${name}`, name.slice(1), name.slice(0, -1)];
    for (const other of [...others, name.replaceAll('-', '_')]) {
      if (names.every(([known]) => known !== other)) expect(idOf(other)).toBe(Field.other);
    }
  });

  it('is compared by its characters, not by its hash alone', () => {
    const hash = [...'host'].reduce((sum, each) => hashStep(sum, each.charCodeAt(0)), 0);
    expect(fieldId(latin1('hose'), 0, 4, hash)).toBe(Field.other);
    expect(fieldId(latin1('hostess'), 0, 7, hash)).toBe(Field.other);
  });

  it('fits into the 32 bits of a set of fields', () => {
    for (const id of Object.values(Field)) expect(id).toBeLessThan(32);
    expect(new Set(Object.values(Field)).size).toBe(Object.values(Field).length);
  });
});

describe('names that JavaScript objects have', () => {
  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', ''])('%j is none', (name) => {
    expect(idOf(name)).toBe(Field.other);
  });
});

describe('a trailer section', () => {
  it('must not carry framing, routing, or what is ours to set', () => {
    const allowed = names.filter(([, id]) => !forbiddenInTrailer(id)).map(([name]) => name);
    expect(allowed).toEqual(['date', 'accept', 'retry-after', 'backend-load']);
    expect(forbiddenInTrailer(Field.dropped)).toBe(true);
  });

  it('may carry everything else', () => {
    expect(forbiddenInTrailer(Field.other)).toBe(false);
  });
});
