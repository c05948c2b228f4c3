/** `evenkeel simulate` as it is typed, and its page in a real browser. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { builtEntry, runtimePath } from './harness/balancer.ts';
import { type Ended, runCommand } from './harness/command.ts';
import { findPeer, peerTitle } from './harness/peers.ts';
import { root } from './harness/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-simulate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

writeFileSync(join(folder, 'config.yaml'), readFileSync(join(root, 'examples/config.yaml')));
writeFileSync(join(folder, 'traffic.yaml'), readFileSync(join(root, 'examples/traffic.yaml')));

const simulate = (...words: readonly string[]): Promise<Ended> =>
  runCommand(runtimePath(), [builtEntry, 'simulate', ...words], { cwd: folder, timeoutMs: 60_000 });

describe('evenkeel simulate', () => {
  it('answers with the example of the docs, byte for byte', async () => {
    const { code, out, err } = await simulate('--scenario', 'traffic.yaml');
    expect([code, err]).toEqual([0, expect.stringMatching(/^simulated 900 s in \d+(\.\d)? s\n$/)]);
    expect(readFileSync(join(root, 'docs/simulate.md'), 'utf8')).toContain(out);
  });

  it('says which flag is wrong, and ends with 2', async () => {
    const { code, out, err } = await simulate('--slow', 'server-4=5x@30s', '--for', '1m');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(
      'no backend is called "server-4"; there are server-1, server-2, server-3',
    );
  });
});

const chromium = findPeer('chromium', 'chromium-browser', 'google-chrome');

/** Moves the pointer over each chart, and writes down what it shows then. */
const POINTER = `<script>
const seen = [...document.querySelectorAll('figure')].map((figure) => {
  const svg = figure.querySelector('svg');
  const { left, top, width } = svg.getBoundingClientRect();
  const at = { clientX: left + width / 2, clientY: top + 50 };
  svg.dispatchEvent(new PointerEvent('pointermove', at));
  const text = figure.querySelector('.tip')?.textContent ?? 'nothing';
  svg.dispatchEvent(new PointerEvent('pointerleave', at));
  return text + (figure.querySelector('.tip') === null ? '' : ' and it stays');
});
document.title = JSON.stringify(seen);
</script></body>`;

describe.skipIf(chromium === null)(peerTitle('the report in Chromium', chromium), () => {
  it('draws every chart, and shows the values at the pointer', async () => {
    const words = ['--for', '20s', '--slow', 'server-3=5x@10s', '--policies', 'random,adaptive'];
    expect((await simulate(...words, '--report', 'report.html')).code).toBe(0);
    const page = join(folder, 'report.html');
    writeFileSync(page, readFileSync(page, 'utf8').replace('</body>', POINTER));
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--dump-dom'];
    const profile = `--user-data-dir=${join(folder, 'profile')}`;
    const { out } = await runCommand(chromium!, [...flags, profile, `file://${page}`], {
      timeoutMs: 55_000,
    });
    const [, title] = /<title>(.*)<\/title>/.exec(out) ?? [];
    const seen: string[] = JSON.parse(title);
    expect(seen).toHaveLength(7);
    const [p99, p50, inFlight, share] = seen;
    for (const latency of [p99, p50]) expect(latency).toMatch(/^\d.*s.*random[\d.]+ m?s/);
    expect(inFlight).toMatch(/^\d.*random[\d.,]+adaptive[\d.,]+$/);
    expect(share).toMatch(/server-1[\d.]+ %server-2[\d.]+ %server-3[\d.]+ %$/);
  }, 120_000);
});
