import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { reasonOf } from './answers.ts';
import { type Refusal, refusals } from './refusal.ts';

const all = Object.entries<Refusal>(refusals);
const core = fileURLToPath(new URL('..', import.meta.url));

/** Every source of core but the list itself, as one text. */
const sources = readdirSync(core, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.ts$/.test(path) && !/\.test\.ts$|refusal\.ts$/.test(path))
  .map((path) => readFileSync(`${core}/${path}`, 'utf8'))
  .join('\n');

const wire = fileURLToPath(new URL('../../../test/wire', import.meta.url));
const pages = readdirSync(wire)
  .filter((name) => name.endsWith('.md'))
  .map((name) => readFileSync(`${wire}/${name}`, 'utf8'))
  .join('\n');

describe('every refusal', () => {
  it.each(all)('%s is used somewhere', (name) => {
    expect(sources).toMatch(new RegExp(`refusals\\.${name}\\b`));
  });

  it.each(all)('%s names a rule that a wire case shows', (_, { rule }) => {
    expect(pages).toMatch(new RegExp(`^## ${rule}: `, 'm'));
  });

  it.each(all)('%s becomes an answer with a reason phrase', (_, { status }) => {
    expect(reasonOf(status)).not.toBe('Error');
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it('has words and a rule of its own', () => {
    const whats = all.map(([, { what }]) => what);
    const rules = all.map(([, { rule }]) => rule);
    expect(new Set(whats).size).toBe(all.length);
    expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([]);
  });

  it('is put so that it can go on after its rule, without a full stop', () => {
    for (const [, { what }] of all) expect(what).toMatch(/^[a-zA-Z].*[^.]$/);
  });
});
