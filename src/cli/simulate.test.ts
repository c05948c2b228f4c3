import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeTerminal, fakeTerminal } from './fake-terminal.ts';
import { simulate } from './simulate.ts';
import type { SimulateFlags } from './simulate-flags.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-simulate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const CONFIG = 'backends: [{url: "http://a:1", name: a}, {url: "http://b:1", name: b}]\n';

/** What it said, and how it ended. */
async function simulated(
  flags: SimulateFlags,
  terminal: FakeTerminal = fakeTerminal(),
): Promise<{ code: number; out: string; err: string }> {
  let nowMs = 0;
  const clock = (): number => {
    nowMs += 100;
    return nowMs;
  };
  const code = await simulate(terminal, write('config.yaml', CONFIG), flags, clock);
  return { code, ...terminal.said };
}

describe('evenkeel simulate', () => {
  it('says something useful of a configuration alone', async () => {
    const { code, out, err } = await simulated({ for: '1s' });
    expect(code).toBe(0);
    expect(out).toContain('traffic: 960 requests/s, poisson arrivals, for 1s, seed 1\n');
    expect(out).toMatch(/\n {2}round_robin .*\n {2}least_request .*\n {2}adaptive /);
    expect(err).toMatch(/^simulated 3\.0 s in \d+\.\d s\n$/);
  });

  it('takes what was typed before what a file says, and the events of both', async () => {
    const scenario = write(
      'traffic.yaml',
      'traffic: {clients: 5, think: 1s, for: 9s}\nseed: 7\n' +
        'events: [{at: 500ms, backend: b, down: true}]\n',
    );
    const flags = { scenario, rate: '200/s', for: '2s', slow: ['a=2@1s'], policies: 'random' };
    const { out } = await simulated(flags);
    expect(out).toContain('traffic: 200 requests/s, poisson arrivals, for 2s, seed 7\n');
    expect(out).toContain('\n0.5s to 1s: b goes down\n');
    expect(out).toContain('\n1s to 2s: a takes 2 times as long\n');
    expect(out).not.toContain('adaptive');
  });

  it('reads logs and configurations from where the file is that names them', async () => {
    const line = { time: '2026-11-26T12:00:00.000Z', event: 'exchange', client: '10.0.0.1' };
    write('access.log', `${JSON.stringify(line)}\n`);
    write('other.yaml', 'backends: [{url: "http://c:1", name: c}]\n');
    const scenario = write(
      'traffic.yaml',
      'traffic: {replay: access.log, for: 1s}\npolicies: [random]\n' +
        'events: [{at: 10ms, reload: other.yaml}]\n',
    );
    const { code, out } = await simulated({ scenario });
    expect(code).toBe(0);
    expect(out).toContain('traffic: 1 recorded request of 1 client, for 1s');
    expect(out).toContain('reload of other.yaml');
  });

  it('writes a report, and says where', async () => {
    const report = join(folder, 'report.html');
    const { err } = await simulated({ for: '1s', policies: 'random', report });
    expect(err).toContain(`the report is in ${report}\n`);
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>\n[\s\S]*<\/html>\n$/);
  });

  it('says before it runs that it cannot write one', async () => {
    const none = join(folder, 'no');
    const { code, out, err } = await simulated({ for: '1s', report: join(none, 'r.html') });
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(`--report: there is no folder ${none}; make it, or name another file\n`);
    const into = await simulated({ for: '1s', report: folder });
    expect(into.err).toBe(`--report: ${folder} is a folder; name a file in it\n`);
  });

  it('says after it why it could not', async () => {
    const report = join(folder, 'r'.repeat(300));
    const { code, err } = await simulated({ for: '1s', report });
    expect(code).toBe(1);
    expect(err).toContain(
      `cannot write the report to ${report}: ENAMETOOLONG; name another file\n`,
    );
  });

  it('says how far it is to somebody who watches', async () => {
    const { err } = await simulated({ for: '5s' }, fakeTerminal({ errIsTty: true }));
    expect(err).toMatch(/\rround_robin: \d s, \d+ % of all\x1b\[K/);
    expect(err).toMatch(/\radaptive: \d s, \d\d %/);
    expect(err).toMatch(/\r\x1b\[Ksimulated 15 s in /);
  });
});

describe('what cannot be simulated', () => {
  it.each([
    [{ rate: 'fast' }, '--rate: "fast" is not a rate; write requests'],
    [{ policies: 'adaptve' }, '--policies: "adaptve" is not known here; did you mean "adaptive"?'],
    [{ slow: ['a=0x@1s'] }, '--slow a=0x@1s: 0 is out of range'],
    [{ slow: ['c=5x@1s'] }, '--slow c=5x@1s: no backend is called "c"; there are a, b\n'],
    [
      { down: ['a@10s-5s'] },
      '--down a@10s-5s: a is not down before that, so this ends nothing; write a later',
    ],
    [{ slow: ['a=5x@12:00-11:59'], start: '11:58' }, 'a is not slower before that'],
    [{ down: ['a'] }, '--down: "a" does not say who is down when'],
    [{ rate: '5/s', clients: '5' }, '--clients: clients and rate exclude each other; remove one'],
    [{ pool: 'web' }, '--pool: there is no pool "web"; write one of default'],
  ])('typed: %o', async (flags, complaint) => {
    const { code, out, err } = await simulated(flags);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(complaint);
  });

  it('is shown in its file', async () => {
    const scenario = write('traffic.yaml', 'traffic:\n  rat: 5\n');
    const { code, err } = await simulated({ scenario });
    expect(code).toBe(78);
    expect(err).toBe(
      `${scenario}:2:3 traffic.rat: unknown key; did you mean "rate"?\n` +
        '    2 |   rat: 5\n      |   ^^^\n1 problem; nothing was simulated\n',
    );
  });

  it('is shown there also if it does not fit the configuration', async () => {
    const scenario = write('traffic.yaml', 'events:\n  - {at: 1s, backend: c, down: true}\n');
    const { code, err } = await simulated({ scenario });
    expect(code).toBe(78);
    expect(err).toContain(':2:23 events[0].backend: no backend is called "c"; there are a, b\n');
  });

  it('is shown as it was typed also if there is a file', async () => {
    const scenario = write('traffic.yaml', 'events:\n  - {at: 1s, backend: b, down: true}\n');
    const { err } = await simulated({ scenario, down: ['a@2s', 'c@2s'] });
    expect(err).toMatch(/^--down c@2s: no backend is called "c"; there are a, b\n/);
  });

  it('is a reload of what is not good', async () => {
    write('other.yaml', 'backends: 5\n');
    const scenario = write('traffic.yaml', 'events: [{at: 1s, reload: other.yaml}]\n');
    const { code, err } = await simulated({ scenario });
    expect(code).toBe(78);
    expect(err).toContain('events[0].reload: cannot be used: backends: expected a list');
  });

  it('is a file that is not there', async () => {
    const { code, err } = await simulated({ scenario: join(folder, 'none.yaml') });
    expect(code).toBe(78);
    expect(err).toContain('there is no file ');
  });
});
