import { describe, expect, it } from 'vitest';
import { checkTogether } from './checks.ts';
import { maxRequests } from './concurrency.ts';
import { Report } from './diagnostics.ts';
import { NamedFiles } from './files.ts';
import { checkValues } from './issues.ts';

/** What is said about it. */
const complaints = (written: unknown): string[] => {
  const report = new Report('');
  checkValues({ backends: ['http://localhost:9001'], max_requests: written }, report);
  return report.diagnostics.map(({ key, message }) => `${key}: ${message}`);
};

it('says that nobody waits for a pool without a limit, and takes either of both', () => {
  const report = new Report('');
  const queue = { size: 1 };
  const backends = [{ url: 'http://localhost:9001', max_connections: 5 }];
  checkTogether({ backends, queue }, new NamedFiles('.'), report);
  checkTogether({ backends: ['http://localhost:9001'], queue }, new NamedFiles('.'), report);
  expect(report.diagnostics.map(({ key, message }) => `${key}: ${message}`)).toEqual([
    'queue: nobody ever waits without "max_requests" or "max_connections"; add one, or remove this',
  ]);
});

describe('max_requests as it is written', () => {
  it('is a number, or a word for one that is found out, or bounds for that', () => {
    expect(maxRequests.parse(4)).toBe(4);
    expect(maxRequests.parse('adaptive')).toEqual({ min: 4, max: 1000 });
    expect(maxRequests.parse({ max: 50 })).toEqual({ min: 4, max: 50 });
    expect(maxRequests.parse({ min: 30, max: 50 })).toEqual({ min: 30, max: 50 });
  });

  const forms = 'write adaptive, or a whole number from 1 to 1000000';

  it.each([
    [0, 'max_requests: 0 is out of range; write 1 or more, or remove the key for any number'],
    [-1, 'max_requests: -1 is out of range; write 1 or more, or remove the key for any number'],
    ['auto', `max_requests: expected a limit, found "auto"; ${forms}`],
    [true, `max_requests: expected a limit, found true; ${forms}`],
    [{ min: 50, max: 10 }, 'max_requests.min: 50 is above max (10); lower one or raise the other'],
    [{ min: 2000 }, 'max_requests.min: 2000 is above max (1000); lower one or raise the other'],
    [{ most: 1 }, 'max_requests.most: unknown key; remove it, or write one of min, max'],
  ])('says what to write instead of %j', (written, complaint) => {
    expect(complaints(written)).toEqual([complaint]);
  });
});
