// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how variables are written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDiagnostics } from './diagnostics.ts';
import { readSource } from './source.ts';

const meaningOf = (text: string, environment = {}): unknown => {
  const { value, report } = readSource(text, 'c', environment);
  expect(formatDiagnostics(report.diagnostics)).toBe('');
  return JSON.parse(JSON.stringify(value));
};

const problemOf = (text: string): string => {
  const [first] = readSource(text, 'c', {}).report.diagnostics;
  return `${first.place?.line}:${first.place?.column} ${first.key}: ${first.message}`;
};

describe('YAML', () => {
  it('becomes plain values', () => {
    expect(meaningOf('a: {b: [1, x, true, null, "5"]}\n503: y\n')).toEqual({
      a: { b: [1, 'x', true, null, '5'] },
      503: 'y',
    });
    expect(meaningOf('')).toBeNull();
  });

  it('may be JSON, and may end its lines with CR LF', () => {
    expect(meaningOf('{\r\n\t"a": [1,\r\n\t\t2]\r\n}\r\n')).toEqual({ a: [1, 2] });
  });

  it('may use anchors, and merge mappings below what is written out', () => {
    const text = 'x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}], d: 5}\n';
    expect(meaningOf(text)).toEqual({
      x: { a: 1, b: 2 },
      y: { a: 1, b: 3 },
      z: { a: 1, b: 2, c: 4, d: 5 },
    });
  });

  it('has keys that no prototype answers for', () => {
    const { value } = readSource('a: 1\n__proto__: 2\n', 'c', {});
    expect(Object.keys(value as object)).toEqual(['a', '__proto__']);
  });

  it.each([
    ['a: *b\n', '1:4 a: there is no anchor &b'],
    ['a: &a [*a]\n', '1:7 a[0]: an anchor contains itself'],
    ['a: !b c\n', '1:7 a: YAML tags such as !b'],
    ['? [a]\n: 1\n', '1:3 : this is no key'],
    ['a: {<<: 1}\n', '1:5 a["<<"]: "<<" takes over the keys of another mapping'],
  ])('%j is refused: %s', (text, problem) => {
    expect(problemOf(text)).toContain(problem);
  });

  it('does not grow without end', () => {
    const level = (i: number): string => `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}*a${i - 1}]\n`;
    const text = `a0: &a0 x\n${[1, 2, 3, 4, 5, 6, 7].map(level).join('')}`;
    const { report } = readSource(text, 'c', {});
    expect(report.diagnostics.map((d) => d.message)).toContain(
      'the aliases expand without end; write the values out',
    );
  });
});

describe('variables', () => {
  it('are replaced in values, not in keys, and cannot add structure', () => {
    const environment = { PORT: '8080', NASTY: 'x\nport: 1', YES: 'true' };
    expect(
      meaningOf('a: ${PORT}\nb: "${PORT}"\nc: ${NASTY}\nd: ${YES}\n${PORT}: 1\n', environment),
    ).toEqual({
      a: 8080,
      b: '8080',
      c: 'x\nport: 1',
      d: true,
      '${PORT}': 1,
    });
  });

  it('that are not set are reported at the value, which is not judged further', () => {
    const { report } = readSource('a: {b: "x${NONE}"}\n', 'c', {});
    report.add(['a', 'b'], 'is no good');
    report.add(['a', 'b', 'c'], 'is no good');
    expect(report.diagnostics.map((d) => [d.key, d.place?.column])).toEqual([['a.b', 8]]);
  });
});

describe('the place of a path', () => {
  const text = 'a:\n  - b: "x y"  # why\n    c: |\n      long\n      text\nd:\n';
  const underlined = (path: (string | number)[], part: 'key' | 'value'): string => {
    const { report } = readSource(text, 'c', {});
    report.add(path, 'm', part);
    const { place } = report.diagnostics[0];
    if (place === null) return 'none';
    const { line, column, length } = place;
    return `${line}: ${place.text.slice(column - 1, column - 1 + length)}`;
  };

  it.each([
    [['a', 0, 'b'], 'value', '2: "x y"'],
    [['a', 0, 'b'], 'key', '2: b'],
    [['a', 0], 'value', '2: b: "x y"'],
    [['a', 0, 'c'], 'value', '3: |'],
    [['a', 0, 'missing'], 'value', '2: b: "x y"'],
    [['d'], 'value', '6: d'],
    [['d', 'missing'], 'value', '6: d'],
    [['missing'], 'value', 'none'],
  ] as const)('%j, its %s', (path, part, expected) => {
    expect(underlined([...path], part)).toBe(expected);
  });
});

it('never throws, whatever the text', () => {
  const pieces = [
    'a',
    ': ',
    '- ',
    '\n',
    '  ',
    '\t',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&x ',
    '*x',
    '${A}',
  ];
  const more = [
    '|',
    '>',
    '#',
    '? ',
    '<<',
    '!t ',
    '---\n',
    '...\n',
    ',',
    '%',
    '@',
    '\u0000',
    '\ud800',
  ];
  const text = fc.array(fc.constantFrom(...pieces, ...more), { maxLength: 30 });
  fc.assert(
    fc.property(text, (parts) => {
      const { readable, report } = readSource(parts.join(''), 'c', {});
      expect(readable || report.diagnostics.length > 0).toBe(true);
      formatDiagnostics(report.diagnostics);
    }),
    { numRuns: 1000 },
  );
});
