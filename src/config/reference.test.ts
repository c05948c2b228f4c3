import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { formatDiagnostics } from './diagnostics.ts';
import { parseConfig } from './load.ts';
import { poolKeys } from './pool.ts';
import { jsonSchemaText, referencePage } from './reference.ts';

const root = join(import.meta.dirname, '../..');

describe('what is generated', () => {
  it('is up to date in the repository; else run npm run generate', () => {
    expect(readFileSync(join(root, 'schema/evenkeel.schema.json'), 'utf8')).toBe(jsonSchemaText());
    expect(readFileSync(join(root, 'docs/config.md'), 'utf8')).toBe(referencePage());
  });
});

describe('the JSON Schema', () => {
  const schema = JSON.parse(jsonSchemaText());

  it('is of the draft that editors read, and strict', () => {
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining([...poolKeys]));
    expect(schema.definitions.backend.required).toEqual(['url']);
  });

  it('takes a variable where a number, a switch, a word or a duration stands', () => {
    const { port, panic, policy, drain_timeout } = schema.properties;
    const variable = '$' + '{X}';
    expect(port.type).toContain('string');
    expect(variable).toMatch(new RegExp(port.pattern));
    expect(variable).toMatch(new RegExp(drain_timeout.pattern));
    expect('soon').not.toMatch(new RegExp(drain_timeout.pattern));
    expect(panic.anyOf).toHaveLength(2);
    expect(policy.anyOf).toHaveLength(2);
  });
});

describe('an editor with the JSON Schema', () => {
  const schema = z.fromJSONSchema(JSON.parse(jsonSchemaText()));
  const folder = join(root, 'test/golden/config');
  const good = readdirSync(folder).filter((name) => /^good-.*\.yaml$/.test(name));

  it.each(good)('finds nothing wrong with %s', (name) => {
    const value = parse(readFileSync(join(folder, name), 'utf8'), { merge: true });
    expect(schema.safeParse(value).error?.issues).toBeUndefined();
  });

  it('marks what it can see of a bad one', () => {
    for (const bad of [
      { prot: 1 },
      { port: 70000 },
      { backends: ['a:1'] },
      { drain_timeout: '5' },
    ]) {
      expect(schema.safeParse({ backends: ['http://a'], ...bad }).success).toBe(false);
    }
  });
});

describe('the reference page', () => {
  const page = referencePage();

  it('shows only configurations that work', () => {
    const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]);
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) {
      const result = parseConfig(example, 'example');
      expect('config' in result ? '' : formatDiagnostics(result.diagnostics)).toBe('');
    }
  });

  it('says what every key means', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(50);
    for (const row of rows) expect(row).toMatch(/\| [^|]+ \| [^|]*\| .*\. \|$/);
  });
});
