// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how variables are written.
import { describe, expect, it } from 'vitest';
import { readSource } from './source.ts';

/** `line:column message` of every complaint. */
const complaints = (text: string): string[] =>
  readSource(text, 'c', {}).report.diagnostics.map(
    ({ place, message }) => `${place?.line}:${place?.column} ${message}`,
  );

describe('a syntax error is explained where it begins', () => {
  it.each([
    ['a: 1\nb\n  - x\n', '2:1 this is neither a value nor "key: value"'],
    ['a: 1\n  b: 2\n', '2:3 this is indented deeper than the line above'],
    ['a:\n  - b: 1\n     c: 2\n', '3:6 this is indented deeper than the line above'],
    ['a:\n  - b: 1\n   c: 2\n', '3:4 this lines up with nothing above'],
    ['a: b: c\n', '1:4 the value holds ": "; write it in quotes: "b: c"'],
    ['a: "b\nc: 1\n', '1:4 this text is not closed; add "'],
    ["a: 'b\nc: 1\n", "1:4 this text is not closed; add '"],
    ['a: [1, [2]\nb: 1\n', '1:4 this [ is not closed; add ]'],
    ['a: {b: 1\nc: 1\n', '1:4 this { is not closed; add }'],
    ['a:\n\tb: 1\n', '2:1 YAML is indented with spaces'],
    ['a: @b\n', '1:4 a value cannot begin with @; write it in quotes: "@b"'],
    ['a: "\\q"\n', '1:5 unknown escape in double quotes; write \\\\ for \\'],
    ['a: 1\n---\nb: 1\n', '2:1 a second document begins here'],
    ['a: [${B}]\n', '1:5 inside { } or [ ], a variable stands in quotes: write "${B}"'],
    ['a: 1\na: 2\n', '2:1 the key "a" is here twice; the first is on line 1'],
    ['x:\n- a: 1\n  "b": 2\n  "b": 3\n', '4:3 the key "b" is here twice; the first is on line 3'],
  ])('%j', (text, complaint) => {
    expect(complaints(text)[0]).toContain(complaint);
  });

  it('once for each line', () => {
    expect(complaints('a: 1\n b: 2\n')).toHaveLength(1);
    expect(complaints('a:\n\tb: 1\n\tc: 1\n')).toHaveLength(2);
  });
});

it('goes on after a key that is given twice, for what else is wrong', () => {
  expect(readSource('a: 1\na: 2\n', 'c', {}).readable).toBe(true);
  expect(readSource('a: [1\n', 'c', {}).readable).toBe(false);
});
