import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { type Outlet, openOutlet } from './log-outlet.ts';

let folder: string;
let opened: number[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'evenkeel-outlet-'));
  opened = [];
});

// A test must not end before its outlet has written: the number of the file is used again.
afterEach(() => {
  for (const fd of opened) fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
});

const file = (name = 'log'): string => path.join(folder, name);

function open(name: string, flags: string | number): number {
  const fd = fs.openSync(name, flags);
  opened.push(fd);
  return fd;
}

/** The caller closes it. */
const openReader = (): number =>
  fs.openSync(file('pipe'), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);

/** A pipe with both ends open; the writing end blocks, as the one that a shell gives. */
function pipe(): { reader: number; writer: number } {
  execFileSync('mkfifo', [file('pipe')]);
  const reader = openReader();
  return { reader, writer: open(file('pipe'), 'w') };
}

/** What stands in the pipe now. */
function drain(reader: number): string {
  let text = '';
  const chunk = Buffer.alloc(65_536);
  for (;;) {
    try {
      const count = fs.readSync(reader, chunk);
      if (count === 0) return text;
      text += chunk.toString('latin1', 0, count);
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' });
      return text;
    }
  }
}

const flushed = (outlet: Outlet, timeoutMs = 10_000): Promise<void> =>
  new Promise((done) => outlet.flush(timeoutMs, done));

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const nothing = (): void => {};

describe('an outlet', () => {
  it('writes everything, in the order of the calls', async () => {
    const outlet = openOutlet(open(file(), 'w'), 100_000, nothing);
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i} \u2713\n`);
    for (const line of lines) outlet.write(utf8(line), 1);
    await flushed(outlet);
    expect(fs.readFileSync(file(), 'utf8')).toBe(lines.join(''));
    expect(outlet.dropped()).toBe(0);
  });

  it('writes without being flushed', async () => {
    const outlet = openOutlet(open(file(), 'w'), 100, nothing);
    outlet.write(utf8('one\n'), 1);
    while (!outlet.idle()) await pause(1);
    expect(fs.readFileSync(file(), 'utf8')).toBe('one\n');
  });

  it('takes as many bytes as it was given, and counts the lines of what is more', async () => {
    const outlet = openOutlet(open(file(), 'w'), 10, nothing);
    outlet.write(utf8('12345678'), 1);
    expect(outlet.room()).toBe(2);
    outlet.write(utf8('\u2713'), 7); // Three bytes.
    expect([outlet.room(), outlet.dropped()]).toEqual([2, 7]);
    outlet.write(utf8('90'), 1);
    expect([outlet.room(), outlet.dropped()]).toEqual([0, 7]);
    outlet.write(utf8('x'), 2);
    expect(outlet.dropped()).toBe(9);
    await flushed(outlet);
    expect(fs.readFileSync(file(), 'utf8')).toBe('1234567890');
  });

  it('has room again when it has written, and says that it has', async () => {
    const seen: [number, boolean][] = [];
    const outlet = openOutlet(open(file(), 'w'), 10, () => {
      seen.push([outlet.room(), outlet.idle()]);
    });
    outlet.write(utf8('1234567890'), 1);
    expect([outlet.room(), outlet.idle()]).toEqual([0, false]);
    await flushed(outlet);
    expect(seen).toEqual([[10, true]]);
    outlet.write(utf8('x'), 1);
    await flushed(outlet);
    expect(fs.readFileSync(file(), 'utf8')).toBe('1234567890x');
  });

  it('may be written to from the call that says so', async () => {
    let more = true;
    const outlet = openOutlet(open(file(), 'w'), 10, () => {
      if (more) outlet.write(utf8('second'), 1);
      more = false;
    });
    outlet.write(utf8('first '), 1);
    await flushed(outlet);
    expect(fs.readFileSync(file(), 'utf8')).toBe('first second');
  });
});

describe('flush', () => {
  it('calls back once for each caller, at once when nothing waits', async () => {
    const outlet = openOutlet(open(file(), 'w'), 100, nothing);
    const calls: string[] = [];
    outlet.flush(20, () => calls.push('idle'));
    expect(calls).toEqual(['idle']);
    outlet.write(utf8('x'), 1);
    outlet.flush(20, () => calls.push('a'));
    outlet.flush(20, () => calls.push('b'));
    expect(calls).toEqual(['idle']);
    await flushed(outlet);
    await pause(60); // Past the time that they were given.
    expect(calls).toEqual(['idle', 'a', 'b']);
  });

  it('gives up when its time is over', async () => {
    const { reader, writer } = pipe();
    const outlet = openOutlet(writer, 1_000_000, nothing);
    outlet.write(utf8('x'.repeat(500_000)), 1);
    const before = performance.now();
    await flushed(outlet, 50);
    expect(performance.now() - before).toBeGreaterThanOrEqual(45);
    expect(outlet.idle()).toBe(false);
    fs.closeSync(reader);
  });
});

describe('a pipe', () => {
  it('gets everything once it is read, however late', async () => {
    const { reader, writer } = pipe();
    const outlet = openOutlet(writer, 1_000_000, nothing);
    const text = Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join('');
    outlet.write(utf8(text), 50_000);
    await pause(100); // Some tries find it full.
    outlet.write(utf8('end\n'), 1);
    let read = '';
    while (!read.endsWith('end\n')) {
      read += drain(reader);
      await pause(1);
    }
    await flushed(outlet);
    expect(read).toBe(`${text}end\n`);
    expect(outlet.dropped()).toBe(0);
    fs.closeSync(reader);
  });

  it('may lose its reader: the flush does not wait, and text is kept up to the bound', async () => {
    const { reader, writer } = pipe();
    const outlet = openOutlet(writer, 10, nothing);
    fs.closeSync(reader);
    outlet.write(utf8('kept\n'), 1);
    const before = performance.now();
    await flushed(outlet);
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(outlet.idle()).toBe(false);
    outlet.write(utf8('too long\n'), 1);
    expect(outlet.dropped()).toBe(1);
    outlet.write(utf8('too\n'), 1);
    const next = openReader();
    while (!outlet.idle()) await pause(5);
    expect(drain(next)).toBe('kept\ntoo\n');
    fs.closeSync(next);
  });

  it.runIf(fs.existsSync('/proc/self/fdinfo'))('stays blocking for others', () => {
    const { reader, writer } = pipe();
    const flags = (fd: number): number =>
      Number.parseInt(
        /^flags:\s+(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!,
        8,
      );
    openOutlet(writer, 10, nothing);
    expect(flags(writer) & fs.constants.O_NONBLOCK).toBe(0);
    expect(flags(reader) & fs.constants.O_NONBLOCK).not.toBe(0);
    fs.closeSync(reader);
  });
});
