import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { check } from './check.ts';
import { fakeTerminal } from './fake-terminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-check-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (text: string): string => {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return path;
};

describe('evenkeel check', () => {
  const good =
    'backends:\n  - { url: "http://localhost:9001", weight: 3 }\n  - http://localhost:9002\n';

  it('says what a good file amounts to, and which schedule is in use', async () => {
    const terminal = fakeTerminal();
    const path = file(good);
    expect(await check(terminal, path, false)).toBe(0);
    expect(terminal.said).toEqual({
      out:
        `${path} is good: 1 listener, 1 route, 1 pool\n` +
        '  pool default: 2 backends, round_robin: smooth weighted order\n',
      err: '',
    });
  });

  it('says in which order backends are used, and what has no effect', async () => {
    const terminal = fakeTerminal();
    const path = file(
      'policy: maglev\nslow_start: 30s\nbackends:\n' +
        '  - { url: "http://localhost:9001", priority: 2 }\n' +
        '  - { url: "http://localhost:9002" }\n' +
        '  - { url: "http://localhost:9003" }\n' +
        '  - { url: "http://localhost:9004", weight: 5, backup: true }\n',
    );
    expect(await check(terminal, path, false)).toBe(0);
    expect(terminal.said.out).toBe(
      `${path} is good: 1 listener, 1 route, 1 pool\n` +
        '  pool default: 4 backends, maglev: by client_address\n' +
        '    in this order: 2 of priority 0, 1 of priority 2, 1 backup\n' +
        '    slow_start does nothing here: with maglev keys would move about\n',
    );
  });

  it('says what the backends of a pool with prequal must send', async () => {
    const terminal = fakeTerminal();
    expect(await check(terminal, file(`policy: prequal\n${good}`), false)).toBe(0);
    expect(terminal.said.out).toContain('Backend-Load: in_flight=3, latency_ms=12');
  });

  it('says by which key a pool goes, and what would do better', async () => {
    const terminal = fakeTerminal();
    const backends = Array.from({ length: 257 }, (_, n) => `http://10.0.0.1:${9000 + n}`);
    const pool = { policy: 'rendezvous', hash_key: 'cookie:sid', bounded_load: 1.5, backends };
    expect(await check(terminal, file(JSON.stringify(pool)), false)).toBe(0);
    const [, described, advice] = terminal.said.out.split('\n');
    expect(described).toBe(
      '  pool default: 257 backends, rendezvous: by cookie:sid, ' +
        'at most 1.5 times its share for each',
    );
    expect(advice).toContain('advice: pool default: rendezvous looks at all 257 backends');
  });

  it('says what a policy function is called, in the summary and printed', async () => {
    const path = join(folder, 'evenkeel.config.mjs');
    const text =
      'const pickNearest = () => null;\nexport default { policy: pickNearest, backends: ';
    writeFileSync(path, `${text}["http://localhost:9001"] };\n`);
    const [summary, printed] = [fakeTerminal(), fakeTerminal()];
    expect(await check(summary, path, false)).toBe(0);
    expect(summary.said.out).toContain(
      'function pickNearest: when it chooses nobody, equal weights, in the order of the file\n',
    );
    expect(await check(printed, path, true)).toBe(0);
    expect(printed.said.out).toContain('    policy: function pickNearest\n');
  });

  it('prints a configuration that means the same', async () => {
    const first = fakeTerminal();
    expect(await check(first, file(good), true)).toBe(0);
    const second = fakeTerminal();
    expect(await check(second, file(first.said.out), true)).toBe(0);
    expect(second.said.out).toBe(first.said.out);
  });
});
