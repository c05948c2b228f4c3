import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConfigResult, parseConfig } from '../config/load.ts';
import type { Config } from '../core/config.ts';
import type { Terminal } from './terminal.ts';

/** A balancer without a network: it stops when it is told to, and remembers what it was told. */
const { fake } = vi.hoisted(() => ({
  fake: {
    told: [] as unknown[],
    problems: [] as string[],
    failure: null as Error | null,
    inFlight: 0,
    finish: () => {},
    isStopHeld: false,
  },
}));

vi.mock('../control/balancer.ts', () => {
  class ListenError extends Error {
    failures = [
      {
        listener: { address: '*:1', host: null, port: 1 },
        failure: { kind: 'not_permitted', cause: 'bind EACCES' },
      },
    ];
  }
  return {
    ListenError,
    UnusableConfigError: class extends Error {},
    startBalancer: async (config: Config) => {
      if (fake.failure !== null) throw fake.failure;
      return {
        listeners: config.listeners,
        status: () => [{ pool: 'default', backends: [{ inFlight: fake.inFlight, tunnels: 0 }] }],
        reload: async (next: Config) => {
          fake.told.push(['reload', next.listeners[0].port]);
          return fake.problems;
        },
        stop: (options: unknown) => {
          fake.told.push(['stop', options]);
          return new Promise<void>((resolve) => {
            if (fake.isStopHeld) fake.finish = resolve;
            else resolve();
          });
        },
      };
    },
  };
});

/** As many workers as a test's runtime can have. */
vi.mock('../control/plan-workers.ts', () => ({
  planWorkers: () => ({ workers: 1, notice: null }),
}));

const { serve } = await import('./serve.ts');
const { fakeTerminal } = await import('./fake-terminal.ts');
const { ListenError, UnusableConfigError } = await import('../control/balancer.ts');

let folder: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evenkeel-serve-'));
  fd = openSync(join(folder, 'log'), 'w');
  Object.assign(fake, { told: [], problems: [], failure: null, inFlight: 0, isStopHeld: false });
});
afterEach(() => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1']) {
    process.removeAllListeners(signal);
  }
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const yaml = (port: number, more = '') => `port: ${port}\nbackends: [http://localhost:9]\n${more}`;

function configOf(result: ConfigResult): Config {
  if (!('config' in result)) throw new Error(result.diagnostics[0]?.message);
  return result.config;
}

/** Serves, hands over when started, and returns the exit code and the log. */
async function served(
  use: () => unknown,
  options: { load?: () => Promise<ConfigResult>; terminal?: Partial<Terminal> } = {},
) {
  const terminal = fakeTerminal({ outFd: fd, ...options.terminal });
  const code = await serve(terminal, {
    config: configOf(parseConfig(yaml(8080), 'c.yaml')),
    source: options.load === undefined ? null : 'c.yaml',
    load: options.load ?? null,
    announce: () => {
      setImmediate(use);
    },
  });
  const text = readFileSync(join(folder, 'log'), 'utf8');
  const isJson = text.startsWith('{');
  const lines = isJson
    ? text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
  return { code, text, lines, events: lines.map((line) => line.event), err: terminal.said.err };
}

const send = (signal: NodeJS.Signals) => process.emit(signal);
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('a balancer of the command line', () => {
  it('tells machines in events that it has started and stopped', async () => {
    const { code, events } = await served(() => send('SIGTERM'));
    expect(code).toBe(0);
    expect(events).toEqual(['started', 'started_listener', 'started_pool', 'stopping', 'stopped']);
  });

  it('shows a person the banner', async () => {
    const { text } = await served(() => send('SIGINT'), { terminal: { isTty: true } });
    expect(text).toMatch(/^Evenkeel .* on /);
    expect(text).toContain('http://localhost:8080');
    expect(text).toMatch(/INFO SIGINT: stopping; nothing is in flight\n.*INFO stopped\n$/);
  });

  it.each([
    ['SIGTERM', 25_000],
    ['SIGINT', 25_000],
    ['SIGQUIT', null],
  ] as const)('on %s stops with a deadline of %s ms', async (signal, timeoutMs) => {
    const { code } = await served(() => send(signal));
    expect([code, fake.told]).toEqual([0, [['stop', { timeoutMs }]]]);
  });

  it('says what it waits for', async () => {
    fake.inFlight = 3;
    const { lines } = await served(() => send('SIGTERM'));
    expect(lines.find((line) => line.event === 'stopping').message).toBe(
      'SIGTERM: stopping; 3 exchanges and 0 tunnels in flight get 25s, ' +
        'a second signal ends them at once',
    );
  });

  it('ends at once with code 1 on a second signal', async () => {
    fake.isStopHeld = true;
    let isOver = false;
    const serving = served(async () => {
      send('SIGTERM');
      while (!isOver) {
        await soon();
        send('SIGTERM');
      }
    });
    const { code, events } = await serving;
    expect(code).toBe(1);
    expect(events.filter((event) => event === 'stop_forced')).toEqual(['stop_forced']);
    // One more changes nothing: it still does not kill the process.
    send('SIGTERM');
    isOver = true;
    expect(process.listenerCount('SIGTERM')).toBe(1);
  });

  it('reads its file again on HUP', async () => {
    const load = async () => parseConfig(yaml(8081, 'log: { access: false }'), 'c.yaml');
    const { events } = await served(
      async () => {
        send('SIGHUP');
        await soon();
        send('SIGTERM');
      },
      { load },
    );
    expect(fake.told[0]).toEqual(['reload', 8081]);
    expect(events).toContain('reloaded');
  });

  it('says what takes effect only at the next start', async () => {
    const load = async () => parseConfig(yaml(8081, 'workers: 3'), 'c.yaml');
    const { lines } = await served(
      async () => {
        send('SIGHUP');
        await soon();
        send('SIGTERM');
      },
      { load },
    );
    const [waits, ...others] = lines.filter((line) => line.event === 'restart_needed');
    expect(waits).toMatchObject({ level: 'warn', key: 'workers' });
    expect(others).toEqual([]);
  });

  it('changes nothing when the file is bad, and says why', async () => {
    const load = async () => parseConfig('prot: 1\nbackends: []\n', 'c.yaml');
    const { lines } = await served(
      async () => {
        send('SIGHUP');
        await soon();
        send('SIGTERM');
      },
      { load },
    );
    expect(fake.told).toEqual([['stop', { timeoutMs: 25_000 }]]);
    const refusals = lines.filter((line) => line.event === 'reload_refused');
    expect(refusals[0].message).toMatch(/^c\.yaml:1:1 prot: /);
    expect(refusals.at(-1).message).toContain('c.yaml is not in force');
    expect(refusals.every((line) => line.level === 'error')).toBe(true);
  });

  it('says what the balancer does not like about a good file', async () => {
    fake.problems = ['no room in the table; raise table_size'];
    const load = async () => parseConfig(yaml(8081), 'c.yaml');
    const { lines, events } = await served(
      async () => {
        send('SIGHUP');
        await soon();
        send('SIGTERM');
      },
      { load },
    );
    expect(events).not.toContain('reloaded');
    expect(lines.map((line) => line.message)).toContain(fake.problems[0]);
  });

  it('has nothing to reload without a file, and is not stopped by HUP or USR1', async () => {
    const { code, events } = await served(async () => {
      send('SIGUSR1');
      send('SIGHUP');
      await soon();
      send('SIGTERM');
    });
    expect(code).toBe(0);
    expect(events).toContain('reload_refused');
  });

  it('takes the HUP of a closed terminal as the end', async () => {
    const terminal = { isTty: true, isGone: () => true };
    const { code, text } = await served(() => send('SIGHUP'), { terminal });
    expect(code).toBe(0);
    expect(text).toContain('the terminal was closed');
  });

  it('explains a port it cannot open and leaves no listener behind', async () => {
    fake.failure = new ListenError([]);
    const terminal = fakeTerminal({ outFd: fd });
    const config = configOf(parseConfig(yaml(8080), 'c.yaml'));
    const code = await serve(terminal, { config, source: 'c.yaml', load: null });
    expect(code).toBe(1);
    expect(terminal.said.err).toContain('change the port in c.yaml');
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });

  it('says why workers cannot use its configuration, which is not worth another try', async () => {
    fake.failure = new UnusableConfigError('worker 1: no luck');
    const terminal = fakeTerminal({ outFd: fd });
    const config = configOf(parseConfig(yaml(8080), 'c.yaml'));
    expect(await serve(terminal, { config, source: 'c.yaml', load: null })).toBe(78);
    expect(terminal.said.err).toBe('worker 1: no luck\n1 problem; nothing was started\n');
  });
});
