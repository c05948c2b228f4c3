import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExchangeRecord } from '../../core/telemetry/log.ts';
import { createLog, type LogOptions, type ProcessLog } from './log-writer.ts';

const base: LogOptions = {
  level: 'info',
  access: true,
  format: 'auto',
  isTty: false,
  utcOffsetMinutes: () => 0,
};

const record: ExchangeRecord = {
  startedWallMs: 0,
  requestId: 'id',
  client: '127.0.0.1',
  method: 'GET',
  target: '/',
  host: 'localhost',
  protocol: 'HTTP/1.1',
  status: 200,
  pool: 'default',
  backend: 'server-1',
  attempts: 1,
  hedged: false,
  queueMs: 0,
  requestBodyBytes: 0,
  responseBodyBytes: 0,
  connectMs: 0,
  responseHeadMs: 1,
  totalMs: 2,
  failure: null,
};

let folder: string;
const opened: number[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'evenkeel-log-'));
});

afterEach(() => {
  for (const fd of opened.splice(0)) {
    try {
      fs.closeSync(fd);
    } catch {
      // Closed by the test.
    }
  }
  fs.rmSync(folder, { recursive: true });
});

const open = (file: string, flags: string | number): number => {
  const fd = fs.openSync(file, flags);
  opened.push(fd);
  return fd;
};

/** Both ends of a real pipe; the writing end blocks, as the one that a shell gives. */
function pipe(): { reader: number; writer: number } {
  const file = path.join(folder, 'pipe');
  execFileSync('mkfifo', [file]);
  const reader = open(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  return { reader, writer: open(file, 'w') };
}

const flushed = (log: ProcessLog): Promise<void> => new Promise((done) => log.flush(done));

/** Everything written to a file by what `use` logs. */
async function linesOf(options: Partial<LogOptions>, use: (log: ProcessLog) => void) {
  const file = path.join(folder, 'log');
  const log = createLog({ ...base, ...options, fd: open(file, 'w') });
  use(log);
  await flushed(log);
  return fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

describe('the log of the process', () => {
  it('writes JSON where nobody looks and text on a terminal', async () => {
    const use = (log: ProcessLog) => log.event('info', 'started', 'hello');
    const [json] = await linesOf({}, use);
    expect(JSON.parse(json!)).toMatchObject({ level: 'info', event: 'started', message: 'hello' });
    const [text] = await linesOf({ isTty: true }, use);
    expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO hello$/);
    expect(await linesOf({ format: 'text' }, use)).toEqual([expect.stringContaining(' INFO ')]);
    expect(await linesOf({ isTty: true, format: 'json' }, use)).toEqual([
      expect.stringMatching(/^\{/),
    ]);
  });

  it('leaves out events below the level, never access lines', async () => {
    const lines = await linesOf({ level: 'warn' }, (log) => {
      log.event('debug', 'a', 'a');
      log.event('info', 'b', 'b');
      log.event('warn', 'c', 'c');
      log.event('error', 'd', 'd');
      log.exchange(record);
    });
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['c', 'd', 'exchange']);
  });

  it('leaves out access lines when they are switched off', async () => {
    const lines = await linesOf({ access: false }, (log) => {
      log.exchange(record);
      log.event('info', 'b', 'b');
    });
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['b']);
  });

  it('takes a new configuration from the next line on', async () => {
    const lines = await linesOf({}, (log) => {
      log.event('debug', 'a', 'a');
      log.configure({ level: 'debug', access: false, format: 'text' });
      log.event('debug', 'b', 'b');
      log.exchange(record);
    });
    expect(lines).toEqual([expect.stringMatching(/DEBUG b$/)]);
  });

  it('keeps the order of lines and of what is printed between them', async () => {
    const lines = await linesOf({ isTty: true }, (log) => {
      log.exchange(record);
      log.print('a banner\n');
      log.event('error', 'x', 'the end');
    });
    expect(lines).toEqual([
      '00:00:00.000 GET / 200 server-1 2ms',
      'a banner',
      expect.stringMatching(/ERROR the end$/),
    ]);
  });

  it('writes within its own time without being flushed', async () => {
    const file = path.join(folder, 'log');
    const log = createLog({ ...base, fd: open(file, 'w') });
    log.exchange(record);
    while (fs.readFileSync(file, 'utf8') === '') await new Promise((next) => setTimeout(next, 5));
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({ event: 'exchange' });
  });
});

describe('a pipe that nobody reads', () => {
  const long = { ...record, target: `/${'x'.repeat(1_000)}` };

  it('neither stops the writer nor the flush, and drops are counted', async () => {
    const { writer } = pipe();
    const log = createLog({ ...base, fd: writer });
    for (let i = 0; i < 2_000; i++) log.exchange(long);
    await flushed(log);
    // A line is some 1,380 bytes; a MiB of them waits, and the pipe itself holds up to 64 KiB.
    expect(2_000 - log.dropped()).toBeGreaterThan(700);
    expect(2_000 - log.dropped()).toBeLessThan(850);
  });

  it('says how many lines were lost once it is read again, and loses no other', async () => {
    const { reader, writer } = pipe();
    const log = createLog({ ...base, fd: writer });
    for (let i = 0; i < 2_000; i++) log.exchange(long);
    let text = '';
    const chunk = Buffer.alloc(65_536);
    while (!text.includes('"log_dropped"') || !text.endsWith('\n')) {
      try {
        text += chunk.toString('latin1', 0, fs.readSync(reader, chunk));
      } catch (error) {
        expect(error).toMatchObject({ code: 'EAGAIN' });
      }
      await new Promise((next) => setTimeout(next, 1));
    }
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const report = lines.find((line) => line.event === 'log_dropped');
    expect(report.lines).toBe(log.dropped());
    await flushed(log);
    expect(lines.filter((line) => line.event === 'exchange').length).toBeLessThanOrEqual(
      2_000 - log.dropped(),
    );
  });

  it('may lose its reader', async () => {
    const { reader, writer } = pipe();
    const log = createLog({ ...base, fd: writer });
    fs.closeSync(reader);
    log.event('error', 'x', 'into the void');
    await flushed(log);
    for (let i = 0; i < 2_000; i++) log.exchange(long);
    await flushed(log);
    expect(log.dropped()).toBeGreaterThan(500);
  });
});

describe.runIf(fs.existsSync('/dev/full'))('a full disk', () => {
  it('costs lines, which are counted, and nothing else', async () => {
    const log = createLog({ ...base, fd: open('/dev/full', 'w') });
    for (let i = 0; i < 8_000; i++) log.exchange(record);
    await flushed(log);
    expect(log.dropped()).toBeGreaterThan(0);
  });
});
