import { expect, it } from 'vitest';
import { sampleReport } from './fixture.ts';
import { picture } from './picture.ts';

const drawn = picture(sampleReport, sampleReport.scenarios);

/** What stands in the picture, in its order. */
const words = [...drawn.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, word]) => word);

it('says each ratio to nginx and the figure itself', () => {
  expect(words).toContain('small GET');
  expect(words).toContain('Evenkeel, Node 20');
  expect(words).toContain('0.90x');
  expect(words).toContain('9.0 \u00b5s');
  expect(words).toContain('8.00x');
  expect(words).toContain('80.0 \u00b5s');
});

it('says the memory of a connection', () => {
  expect(words).toContain('6.00 KiB');
  expect(words).toContain('0.50 KiB');
});

it('marks bars that are longer than their room, and who was absent', () => {
  expect(drawn.match(/stroke="#ffffff" stroke-width="2"/g)).toHaveLength(1);
  expect(words.filter((word) => word === '-')).toHaveLength(1);
});

it('tells the machine, safely', () => {
  expect(drawn).toContain('A &#38; B, balancer pinned to one core; median of 1 alternating rounds');
});

it('needs nginx', () => {
  const without = { ...sampleReport, contestants: sampleReport.contestants.slice(0, 1) };
  expect(() => picture(without, without.scenarios)).toThrow('nginx took no part');
});
