// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how variables are written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeVariables, expand, retype } from './environment.ts';

const environment = { HOST: 'app', EMPTY: '', TRICK: '${HOST}' };
const textOf = (text: string): string => expand(text, environment).text;

describe('variables', () => {
  it('are replaced wherever they stand in a text', () => {
    expect(textOf('http://${HOST}:${PORT:-80}/${HOST}')).toBe('http://app:80/app');
  });

  it('have defaults that stand in for nothing and for empty', () => {
    expect(textOf('${EMPTY:-x}${NONE:-y}${HOST:-z}${NONE:-}')).toBe('xyapp');
    expect(textOf('${EMPTY}')).toBe('');
  });

  it('are not looked for in what a variable holds', () => {
    expect(textOf('${TRICK}')).toBe('${HOST}');
  });

  it('are escaped by a second dollar sign', () => {
    expect(textOf('$${HOST} $5 $$ $HOST')).toBe('${HOST} $5 $$ $HOST');
  });

  it('that are not set are all reported, with a remedy', () => {
    expect(expand('${A}${B}', environment).problems).toEqual([
      'the environment variable A is not set; set it, or give a default: ${A:-value}',
      'the environment variable B is not set; set it, or give a default: ${B:-value}',
    ]);
  });

  it.each(['${}', '${A-x}', '${1A:-x}', '${A:?x}', '${HOST', '${A B:-x}'])(
    'are not written %s',
    (text) => {
      expect(expand(text, environment).problems[0]).toContain('is not a variable');
    },
  );

  it('do not come from the prototype of the environment', () => {
    expect(expand('${constructor}', environment).problems).toHaveLength(1);
  });

  it('are none in an escaped text, whatever it holds', () => {
    const text = fc
      .array(fc.constantFrom('$', '{', '}', 'HOST', '${HOST}', ' '))
      .map((p) => p.join(''));
    fc.assert(
      fc.property(text, (given) => {
        expect(expand(escapeVariables(given), environment)).toEqual({ text: given, problems: [] });
      }),
    );
  });
});

it('gives an unquoted value the type that it would have had in the file', () => {
  expect(['8080', '-1', '0.5', 'true', 'false'].map(retype)).toEqual([8080, -1, 0.5, true, false]);
  expect(['', '5s', '007', '1e3', 'yes', '1.2.3.4'].map(retype)).toEqual([
    '',
    '5s',
    '007',
    '1e3',
    'yes',
    '1.2.3.4',
  ]);
});
