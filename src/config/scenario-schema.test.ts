import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { formatDiagnostics } from './diagnostics.ts';
import { checkValues } from './issues.ts';
import { scenarioSchema } from './scenario-schema.ts';
import { readSource } from './source.ts';

const complaints = (text: string): string => {
  const { value, report } = readSource(text, 'traffic.yaml', {});
  checkValues(value, report, scenarioSchema);
  return formatDiagnostics(report.diagnostics);
};

describe('a scenario file', () => {
  it('may say nothing', () => {
    expect(checkValues({}, readSource('', 'x', {}).report, scenarioSchema)).toEqual({});
  });

  it.each([
    [
      'traffic: {rate: fast}',
      'traffic.yaml:1:17 traffic.rate: "fast" is not a rate; write requests',
    ],
    ['traffic: {rat: 5}', 'traffic.rat: unknown key; did you mean "rate"?'],
    ['trafic: {}', 'trafic: unknown key; did you mean "traffic"?'],
    ['rate: 5', 'rate: unknown key here; it belongs in traffic or each of the events'],
    ['traffic: {start: noon}', 'traffic.start: "noon" is no time of day'],
    ['service: {time: 5}', 'service.time: 5 has no unit; write 5ms'],
    [
      'service: {concurrency: 0}',
      'service.concurrency: 0 is out of range; write 1 or more, or unlimited',
    ],
    ['service: {distribution: normal}', 'service.distribution: "normal" is not known here'],
    [
      'backends: {a: {errors: 5}}',
      'backends.a.errors: 5 is out of range; write a number from 0 to 1',
    ],
    ['events: [{backend: a}]', 'events[0].at: missing; write one, such as 2m'],
    ['events: [{at: 120}]', 'events[0].at: 120 has no unit; write 120s'],
    ['policies: [adaptve]', 'policies[0]: "adaptve" is not known here; did you mean "adaptive"?'],
    ['policies: adaptive', 'policies: expected a list of policies'],
    ['policies: []', 'policies: is empty; write a policy'],
    ['seed: -1', 'seed: -1 is out of range'],
  ])('%s', (text, complaint) => {
    expect(complaints(text)).toContain(complaint);
  });

  it('is explained in docs/simulate.md, key by key', () => {
    const page = readFileSync(new URL('../../docs/simulate.md', import.meta.url), 'utf8');
    // Of each backend there are the keys of `service`.
    const keys = (schema: unknown, at = ''): string[] => {
      if (schema instanceof z.ZodOptional) return keys(schema.unwrap(), at);
      if (schema instanceof z.ZodArray) return keys(schema.element, `${at}[]`);
      if (!(schema instanceof z.ZodObject)) return [];
      return Object.entries(schema.shape).flatMap(([key, inner]) => {
        const path = at === '' ? key : `${at}.${key}`;
        return [path, ...keys(inner, path)];
      });
    };
    expect(keys(scenarioSchema).length).toBeGreaterThan(29);
    expect(keys(scenarioSchema).filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });
});
