/** A real browser through the real balancer: a page with fifty assets of five kinds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './harness/command.ts';
import { findPeer, peerTitle } from './harness/peers.ts';
import { printed, Site, sha256 } from './harness/site.ts';

const chromium = findPeer('chromium', 'chromium-browser', 'google-chrome');
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  // The page is printed once its time is up; that time stands still while something is loading.
  ...['--virtual-time-budget=20000', '--dump-dom'],
];

describe.skipIf(chromium === null)(peerTitle('Chromium', chromium), () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  });
  afterAll(() => site.close());

  /** The whole page as the browser has it in the end. */
  async function pageOf(port: number): Promise<string> {
    const profile = mkdtempSync(join(site.folder, 'profile-'));
    const words = [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`];
    const page = printed(await runCommand(chromium!, words, { timeoutMs: 55_000 }));
    rmSync(profile, { recursive: true, force: true });
    return page;
  }

  it('loads a page with fifty assets, and what it loads is whole', async () => {
    const page = await site.bothWays(pageOf);
    const result = /<p id="result">([^<]*)<\/p>/.exec(page)?.[1];
    const values = Array.from({ length: 50 }, (_, n) => n ** 2 + 1);
    const total = values.reduce((sum, value) => sum + value, 0);
    const sent = '0123456789'.repeat(50_000);
    expect(result).toContain(`50 loaded; values ${total}; bytes `);
    expect(result).toContain(`; sent ${sent.length} ${sha256(sent)}`);
    // The page, its assets and what it sent.
    await site.expectGoodEnds(52);
  }, 120_000);
});
