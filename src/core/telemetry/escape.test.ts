import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonString, sentence, wireWord } from './escape.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }).map((codes) => {
    return String.fromCharCode(...codes);
  }),
);

describe('jsonString', () => {
  it('gives back the same text from a JSON parser, and is printable ASCII', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = jsonString(text);
        expect(JSON.parse(line)).toBe(text);
        expect(line).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps lone surrogates', () => {
    expect(JSON.parse(jsonString('a\ud800b'))).toBe('a\ud800b');
  });
});

describe('wireWord', () => {
  it('is one word of printable ASCII, whatever came', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(wireWord(text)).toMatch(/^[!#-~]+$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('shows bytes as \\xNN', () => {
    expect(wireWord('/caf\xc3\xa9')).toBe('/caf\\xc3\\xa9');
    expect(wireWord('/a b"c\\d\r\n')).toBe('/a\\x20b\\x22c\\x5cd\\x0d\\x0a');
    expect(wireWord('/\x1b[2J')).toBe('/\\x1b[2J');
  });

  it('shows nothing as a dash', () => {
    expect(wireWord('')).toBe('-');
  });
});

describe('sentence', () => {
  it('keeps letters of every language readable', () => {
    expect(sentence('größe is up, 東京 too')).toBe('größe is up, 東京 too');
  });

  it('disarms newlines, escape sequences, C1 controls and direction marks', () => {
    const hostile = 'a\nb\x1b[31mc\x9b1md\u202ee\u2028f\\n\ud800';
    expect(sentence(hostile)).toBe('a\\x0ab\\x1b[31mc\\x9b1md\\u202ee\\u2028f\\\\n\\ud800');
  });

  it('never holds a control character', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(sentence(text)).not.toMatch(/\p{C}/u);
      }),
      { numRuns: 1_000 },
    );
  });
});
