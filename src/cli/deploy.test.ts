/** The files in `deploy/` and `examples/` are valid and agree with each other and the program. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, parseConfig } from '../config/load.ts';
import { printConfig } from '../config/print.ts';
import type { Config } from '../core/config.ts';
import { ExitCode } from './exit-code.ts';

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');

async function load(file: string): Promise<Config> {
  const loaded = await loadConfig(fileURLToPath(new URL(file, root)), {});
  if ('config' in loaded) return loaded.config;
  throw new Error(loaded.diagnostics.map(({ key, message }) => `${key}: ${message}`).join('\n'));
}

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly { readonly source: string; readonly target: string }[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly stop_grace_period: string;
  readonly restart: string;
  readonly healthcheck?: { readonly test: readonly string[] };
}

const services = (): Record<string, Service> =>
  parse(read('deploy/compose.yaml'), { merge: true }).services;

describe('the examples', () => {
  it('are good configurations', async () => {
    for (const file of ['examples/config.yaml', 'examples/full.yaml']) await load(file);
  });

  it('show every key in the full form', () => {
    const keysOf = (value: unknown): string[] => {
      if (Array.isArray(value)) return value.flatMap(keysOf);
      if (typeof value !== 'object' || value === null) return [];
      return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
    };
    const text = read('examples/full.yaml');
    const loaded = parseConfig(text, 'full.yaml');
    if (!('config' in loaded)) throw new Error('bad');
    const shown = new Set(keysOf(parse(text)));
    const all = new Set(keysOf(parse(printConfig(loaded.config))));
    expect([...all].filter((key) => !shown.has(key))).toEqual([]);
  });

  it('show the defaults as they are', async () => {
    const full = await load('examples/full.yaml');
    const defaults = await load('examples/config.yaml');
    const { timeouts, log, shutdown, tableSize } = defaults;
    // What has no number by default is shown with one.
    const { maxConnectionsPerClient: _, ...limits } = defaults.limits;
    expect(full).toMatchObject({ timeouts, limits, log, shutdown, tableSize });
    const { drainTimeoutMs, drainTunnelTimeoutMs, panic, host } = defaults.pools[0];
    const {
      downIntervalMs: _down,
      headers: _headers,
      expectedBody: _expectedBody,
      ...healthCheck
    } = defaults.pools[0].healthCheck!;
    const shown = { healthCheck, drainTimeoutMs, drainTunnelTimeoutMs, panic, host };
    expect(full.pools.find(({ name }) => name === 'web')).toMatchObject(shown);
  });
});

describe('compose.yaml', () => {
  it('runs one backend for each one in config.yaml, under its name and port', async () => {
    const config = await load('deploy/config.yaml');
    for (const { name, host, port } of config.pools[0].backends) {
      const service = services()[host];
      expect(service.command).toEqual(['backend', `${port}`, name]);
      expect(service.healthcheck?.test.join(' ')).toContain(`:${port}/health`);
    }
    expect(Object.keys(services())).toHaveLength(config.pools[0].backends.length + 1);
  });

  it('publishes the port of the balancer and mounts its configuration', async () => {
    const [{ port }] = (await load('deploy/config.yaml')).listeners;
    const { balancer } = services();
    expect(balancer.ports).toEqual([`8080:${port}`]);
    const [mount] = balancer.volumes ?? [];
    expect(existsSync(new URL(`deploy/${mount.source}`, root))).toBe(true);
    expect(read('deploy/Dockerfile')).toContain(`CMD ["run", "${mount.target}"]`);
    expect(existsSync(new URL(`deploy/${balancer.build?.context}/package.json`, root))).toBe(true);
    expect(existsSync(new URL(balancer.build?.dockerfile ?? '', root))).toBe(true);
  });

  it('restarts everything and waits longer than a shutdown may take', async () => {
    const { shutdown } = await load('deploy/config.yaml');
    expect(Object.values(services()).map(({ restart }) => restart)).not.toContain(undefined);
    const seconds = Number(services().balancer.stop_grace_period.replace(/s$/, ''));
    expect(seconds * 1_000).toBeGreaterThan(shutdown.timeoutMs);
  });
});

describe('the Dockerfile', () => {
  it('copies only what is there and what .dockerignore lets through', () => {
    const ignore = read('.dockerignore');
    const copied = [...read('deploy/Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    const files = copied.flatMap((match) => match[1].split(' '));
    expect(files).toContain('package.json');
    for (const file of files) {
      expect(existsSync(new URL(file, root)), file).toBe(true);
      expect(ignore.split('\n')).toContain(`!${file}`);
    }
  });

  it('does not run as root, and starts the command of the package in exec form', () => {
    const text = read('deploy/Dockerfile');
    const entry = JSON.parse(read('package.json')).bin.evenkeel;
    expect(text).toMatch(/^USER node$/m);
    expect(text).toContain(`ENTRYPOINT ["node", "${entry}"]`);
  });
});

describe('the systemd unit', () => {
  it('knows the exit codes for which a restart is no help', () => {
    const unit = read('deploy/evenkeel.service');
    expect(unit).toContain(`RestartPreventExitStatus=${ExitCode.usage} ${ExitCode.config}`);
  });

  it('waits longer than a shutdown may take', async () => {
    const { shutdown } = await load('examples/config.yaml');
    const seconds = /^TimeoutStopSec=(\d+)$/m.exec(read('deploy/evenkeel.service'));
    expect(Number(seconds?.[1]) * 1_000).toBeGreaterThan(shutdown.timeoutMs);
  });
});
