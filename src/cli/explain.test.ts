import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ExplainOptions, explain } from './explain.ts';
import { fakeTerminal } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const config = join(folder, 'config.yaml');
writeFileSync(
  config,
  `
pools:
  web: { backends: [{ url: "http://a:1", name: server-1 }, { url: "http://b:1", name: server-2 }] }
  api: { backends: [{ url: "http://c:1", name: server-1 }] }
routes: [{ path: /api, pool: api }, { pool: web }]
listeners: [{ port: 8080 }]
`,
);

async function type(url: string, options: ExplainOptions = {}) {
  const terminal = fakeTerminal();
  const code = await explain(terminal, 'GET', url, { config, ...options });
  return { code, ...terminal.said };
}

const picked = async (url: string, options: ExplainOptions) =>
  JSON.parse((await type(url, { ...options, json: true })).out).log.backend;

describe('evenkeel explain', () => {
  it('tells what became of the request', async () => {
    const { code, out, err } = await type('/api/x');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('>  1  any host  /api  -> api\n');
  });

  it('is good also for a request that is refused', async () => {
    const { code, out } = await type('/', { header: ['Host : x'] });
    expect(code).toBe(0);
    expect(out).toContain('refused with 400');
  });

  it('takes a backend by its name in every pool, or in one', async () => {
    expect(await picked('/', { down: ['server-1'] })).toBe('server-2');
    expect(await picked('/api', { down: ['server-1'] })).toBe('server-1');
    expect(await picked('/', { drain: ['api/server-1'] })).toBe('server-1');
    expect(await picked('/', { drain: ['web/server-1'] })).toBe('server-2');
  });

  it.each<[string, ExplainOptions, string]>([
    ['/', { down: ['servr-1'] }, 'error: --down: no backend is called "servr-1"; did you mean'],
    [
      '/',
      { busy: ['nobody=1'] },
      'error: --busy: no backend is called "nobody"; there is server-1',
    ],
    ['/', { busy: ['server-1'] }, '--busy server-1: "" is no whole number; write --busy NAME=4'],
    ['/', { seed: 'x' }, 'error: --seed: "x" is no whole number; write --seed 42'],
    ['/', { from: 'me' }, 'error: --from me: that is no IP address; write 192.0.2.1 or'],
    ['http://a:1/', {}, 'error: no listener has port 1; there is 8080'],
  ])('says what was typed wrongly: %s %o', async (url, options, message) => {
    const { code, out, err } = await type(url, options);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });

  it('says what is wrong with the configuration', async () => {
    const { code, err } = await type('/', { config: join(folder, 'none.yaml') });
    expect(code).toBe(78);
    expect(err).toContain('there is no file');
  });
});
