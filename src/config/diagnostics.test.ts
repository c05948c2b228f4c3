import { describe, expect, it } from 'vitest';
import {
  didYouMean,
  formatDiagnostics,
  formatPath,
  nearestOf,
  Report,
  show,
} from './diagnostics.ts';

const place = { line: 4, column: 5, length: 6, text: '    wieght: 3' };

describe('a diagnostic for people', () => {
  it('has file, line, column, key, message and a frame with carets', () => {
    const message = 'unknown key; did you mean "weight"?';
    expect(formatDiagnostics([{ file: 'c.yaml', place, key: 'backends[1].wieght', message }])).toBe(
      [
        'c.yaml:4:5 backends[1].wieght: unknown key; did you mean "weight"?',
        '    4 |     wieght: 3',
        '      |     ^^^^^^',
      ].join('\n'),
    );
  });

  it('needs neither a place, nor a key, nor a file', () => {
    expect(formatDiagnostics([{ file: 'c.ts', place: null, key: 'port', message: 'bad' }])).toBe(
      'c.ts port: bad',
    );
    expect(formatDiagnostics([{ file: '', place: null, key: '', message: 'bad' }])).toBe('bad');
  });

  it('keeps tabs before the carets, so that they stand below what they mean', () => {
    const tabbed = { line: 1, column: 3, length: 1, text: '\ta: 1' };
    const text = formatDiagnostics([{ file: 'c', place: tabbed, key: '', message: 'm' }]);
    expect(text.split('\n')[2]).toBe('      | \t ^');
  });

  it('cuts a long line around the carets', () => {
    const long = {
      line: 1,
      column: 501,
      length: 4,
      text: `${'x'.repeat(500)}HERE${'y'.repeat(500)}`,
    };
    const [, line, carets] = formatDiagnostics([
      { file: 'c', place: long, key: '', message: 'm' },
    ]).split('\n');
    expect(line.length).toBeLessThan(130);
    expect(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('HERE');
  });

  it('does not let the file command the terminal', () => {
    const nasty = { line: 1, column: 1, length: 1, text: 'a\u001b[2Jb' };
    const text = formatDiagnostics([{ file: 'c', place: nasty, key: 'k\u0007', message: 'm' }]);
    expect(text).not.toMatch(/[\u001b\u0007]/);
  });
});

describe('a report', () => {
  it('gives its diagnostics in the order of the file', () => {
    const report = new Report('c', ([key]) => ({ ...place, line: key === 'a' ? 1 : 2 }));
    report.add(['b'], 'second');
    report.add(['a'], 'first');
    expect(report.diagnostics.map((d) => d.message)).toEqual(['first', 'second']);
  });

  it('says one thing about one path, and nothing about what it must not judge', () => {
    const report = new Report('c');
    report.add(['a'], 'first');
    report.add(['a'], 'again');
    report.silence(['b']);
    report.add(['b', 0, 'c'], 'not known');
    report.add(['bc'], 'another key');
    expect(report.diagnostics.map((d) => d.message)).toEqual(['first', 'another key']);
  });
});

describe('a path', () => {
  it.each([
    [['pools', 'api', 'backends', 0, 'url'], 'pools.api.backends[0].url'],
    [['error_pages', '503'], 'error_pages.503'],
    [['pools', 'my pool'], 'pools["my pool"]'],
    [[], ''],
  ])('%j is written %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

describe('the nearest word', () => {
  const keys = ['weight', 'health_check', 'port', 'warn', 'url', 'backends'];

  it.each([
    ['wieght', 'weight'],
    ['healthCheck', 'health_check'],
    ['health-check', 'health_check'],
    ['prot', 'port'],
    ['warning', 'warn'],
    ['uri', 'url'],
    ['bakend', 'backends'],
  ])('to %s is %s', (word, nearest) => {
    expect(nearestOf(word, keys)).toBe(nearest);
  });

  it.each(['xyz', 'workers', 'a', ''])('to "%s" is none', (word) => {
    expect(nearestOf(word, keys)).toBeNull();
    expect(didYouMean(word, keys)).toBe('');
  });
});

it('quotes values briefly, on one line', () => {
  expect(show('a\nb')).toBe('"a\\nb"');
  expect(show('x'.repeat(200)).length).toBeLessThan(70);
  expect([show(null), show([]), show({}), show(5)]).toEqual([
    'nothing',
    'a list',
    'a mapping',
    '5',
  ]);
});
