import { describe, expect, it } from 'vitest';
import { configOf } from '../../test/fixtures/scenario.ts';
import type { Config } from '../core/config.ts';
import type { Scenario } from '../simulate/scenario.ts';
import { formatDiagnostics } from './diagnostics.ts';
import { NamedFiles } from './files.ts';
import { checkValues } from './issues.ts';
import { makeScenario } from './scenario.ts';
import { scenarioSchema } from './scenario-schema.ts';
import { readSource } from './source.ts';

function make(
  text: string,
  config: Config = configOf(3),
  reloads: ReadonlyMap<string, Config | null> = new Map(),
): { scenario: Scenario | null; complaints: string } {
  const { value, report } = readSource(text, 'traffic.yaml', {});
  const file = checkValues(value ?? {}, report, scenarioSchema);
  if (file === null) throw new Error(formatDiagnostics(report.diagnostics));
  const scenario = makeScenario(file, { config, files: new NamedFiles('.'), reloads, report });
  return { scenario, complaints: formatDiagnostics(report.diagnostics) };
}

const made = (...about: Parameters<typeof make>): Scenario => {
  const { scenario, complaints } = make(...about);
  if (scenario === null) throw new Error(complaints);
  return scenario;
};

describe('a scenario', () => {
  it('of nothing is the pool at 60 % of what it can do, for a minute, with four policies', () => {
    const scenario = made('', configOf(3, { policy: 'least_connections' }));
    expect(scenario).toMatchObject({
      policies: ['least_connections', 'round_robin', 'least_request', 'adaptive'],
      durationMs: 60_000,
      startsAtMs: null,
      traffic: { kind: 'open', arrivals: 'poisson' },
      events: [],
    });
    expect(scenario.traffic).toHaveProperty('perSecond', expect.closeTo(0.6 * 3 * 800, 6));
  });

  it('does not run a policy function, which has no request to look at', () => {
    const [pool] = configOf(3).pools;
    const own = { ...pool, policy: 'function' as const, choose: () => null };
    const { policies } = made('', { ...configOf(3), pools: [own] });
    expect(policies).toEqual(['round_robin', 'least_request', 'adaptive']);
  });

  it('does not count backups in what the pool can do', () => {
    const backends = [
      { url: 'http://a:1', name: 'a' },
      { url: 'http://b:1', name: 'b', backup: true },
    ];
    const { traffic } = made('traffic: {rate: 50%}', configOf(1, { backends }));
    expect(traffic).toHaveProperty('perSecond', 400);
  });

  it('takes for every backend what is not said of it from all of them', () => {
    const scenario = made(
      'service: {time: 5ms, concurrency: 2}\nbackends: {server-3: {time: 8ms}}\n' +
        'traffic: {rate: 100%}',
    );
    expect(scenario.services.get('server-3')).toEqual({
      meanMs: 8,
      distribution: 'exponential',
      concurrency: 2,
      errors: 0,
    });
    expect(scenario.traffic).toHaveProperty('perSecond', 400 + 400 + 250);
  });

  it('has its events in order, by the clock or since the beginning', () => {
    const { events, startsAtMs } = made(
      'traffic: {start: "23:59"}\nevents:\n' +
        '  - {at: "00:01", backend: server-1, down: true}\n' +
        '  - {at: 30s, rate: 10/s}\n',
    );
    expect(startsAtMs).toBe(86_340_000);
    expect(events).toEqual([
      { atMs: 30_000, kind: 'rate', perSecond: 10 },
      { atMs: 120_000, kind: 'down', backend: 'server-1', isDown: true },
    ]);
  });

  it('may begin with no traffic, if some comes later', () => {
    const { traffic } = made('traffic: {rate: 0}\nevents: [{at: 5s, rate: 10/s}]');
    expect(traffic).toHaveProperty('perSecond', 0);
  });

  it('goes on for a minute after its last event', () => {
    expect(made('events: [{at: 3m, rate: 5/s}]').durationMs).toBe(240_000);
  });

  it.each([
    ['slower: 5', { kind: 'slower', factor: 5 }],
    ['down: true', { kind: 'down', isDown: true }],
    ['hangs: true', { kind: 'hangs', hangs: true }],
    ['errors: 0.5', { kind: 'errors', share: 0.5 }],
    ['drain: true', { kind: 'drain' }],
    ['added: true', { kind: 'member', isIn: true }],
    ['removed: true', { kind: 'member', isIn: false }],
  ])('lets it befall a backend: %s', (what, happening) => {
    const [event] = made(`events: [{at: 1s, backend: server-2, ${what}}]`).events;
    expect(event).toEqual({ atMs: 1000, backend: 'server-2', ...happening });
  });

  it('lets what has begun end, and begin again at that very moment', () => {
    const { events } = made(
      'events:\n' +
        '  - {at: 2s, backend: server-1, slower: 3}\n' +
        '  - {at: 2s, backend: server-1, slower: 1}\n' +
        '  - {at: 1s, backend: server-1, slower: 5}\n' +
        '  - {at: 3s, backend: server-2, down: true}\n' +
        '  - {at: 4s, backend: server-2, down: false}\n',
    );
    expect(events.map((event) => ('factor' in event ? event.factor : event.kind))).toEqual([
      5,
      1,
      3,
      'down',
      'down',
    ]);
  });

  it('knows the backends of a reload', () => {
    const other = configOf(5);
    const { events } = made(
      'events:\n  - {at: 1s, reload: b.yaml}\n  - {at: 2s, backend: server-5, slower: 2}',
      configOf(3),
      new Map([['b.yaml', other]]),
    );
    expect(events[0]).toEqual({ atMs: 1000, kind: 'reload', pool: other.pools[0], file: 'b.yaml' });
  });

  it('simulates the pool that is named', () => {
    const pools = { api: { backends: ['http://a:1'] }, web: { backends: ['http://b:1'] } };
    const keys = { backends: undefined, health_check: undefined };
    const config = configOf(1, {
      ...keys,
      pools,
      listeners: [{ port: 1 }],
      routes: [{ pool: 'web' }],
    });
    expect(made('pool: web', config).pool.name).toBe('web');
    expect(make('pool: wob', config).complaints).toContain(
      'there is no pool "wob"; did you mean "web"?',
    );
    expect(make('', config).complaints).toContain(
      'pool: missing: there are several pools; write one of api, web',
    );
  });
});

describe('a scenario that does not fit', () => {
  it.each([
    [
      'traffic: {rate: 5/s, clients: 3}',
      'traffic.clients: clients and rate exclude each other; remove one',
    ],
    ['traffic: {rate: 0/s}', 'traffic.rate: no request would come; write a rate above 0'],
    ['traffic: {rate: 0%}', 'traffic.rate: no request would come; write a rate above 0'],
    [
      'traffic: {think: 5s}',
      'traffic.think: only `clients` think; write clients: 64, or remove it',
    ],
    [
      'traffic: {clients: 5, arrivals: poisson}',
      'traffic.arrivals: goes with rate, not with clients',
    ],
    ['traffic: {replay: /nowhere.log}', 'traffic.replay: there is no file /nowhere.log'],
    [
      'backends: {server-9: {time: 5ms}}',
      'backends.server-9: no backend is called "server-9"; there are server-1, server-2, server-3',
    ],
    [
      'backends: {sever-2: {time: 5ms}}',
      'backends.sever-2: no backend is called "sever-2"; did you mean "server-2"?',
    ],
    [
      'events: [{at: 1s, backend: web, down: true}]',
      'events[0].backend: no backend is called "web"; there are server-1, server-2, server-3',
    ],
    [
      'events: [{at: "12:00", rate: 5/s}]',
      'events[0].at: is a time of day; say when traffic begins (traffic.start, --start 11:58)',
    ],
    [
      'traffic: {for: 1m}\nevents: [{at: 60s, rate: 5/s}]',
      'events[0].at: is after the traffic has ended',
    ],
    [
      'traffic: {for: 1m, start: "12:00"}\nevents: [{at: "12:01", rate: 5/s}]',
      'events[0].at: is after the traffic has ended',
    ],
    [
      'traffic: {for: 1m, start: "12:01"}\nevents: [{at: "12:00", rate: 5/s}]',
      'events[0].at: is before the traffic begins; begin that earlier (traffic.start, --start)',
    ],
    [
      'traffic: {start: "12:01"}\nevents: [{at: "12:00", rate: 5/s}]',
      'events[0].at: is before the traffic begins',
    ],
    [
      'traffic: {for: 1m}\nevents: [{at: 60s, backend: serv, down: true}]',
      'events[0].backend: no backend is called "serv"',
    ],
    ['events: [{at: 1s}]', 'events[0]: nothing happens; write one of slower, down'],
    [
      'events: [{at: 1s, backend: server-1, down: true, slower: 5}]',
      'are two events; begin another item',
    ],
    ['events: [{at: 1s, down: true}]', 'events[0]: down says not whom; write backend: NAME'],
    [
      'events: [{at: 1s, backend: server-1, drain: false}]',
      'events[0].drain: means nothing; write true',
    ],
    [
      'events:\n  - {at: 10s, backend: server-3, down: true}\n' +
        '  - {at: 5s, backend: server-3, down: false}',
      'events[1].at: server-3 is not down before that, so this ends nothing; write a later time',
    ],
    [
      'events: [{at: 5s, backend: server-3, down: false}]',
      'server-3 is not down before that, so this ends nothing; remove it, or let it begin before',
    ],
    [
      'events: [{at: 5s, backend: server-3, slower: 5}, {at: 5s, backend: server-3, slower: 1}]',
      'events[1].at: server-3 is not slower before that, so this ends nothing',
    ],
    [
      'events:\n  - {at: 5s, backend: server-1, hangs: true}\n' +
        '  - {at: 9s, backend: server-2, hangs: false}',
      'events[1].at: server-2 does not hang before that, so this ends nothing',
    ],
    [
      'traffic: {clients: 5}\nevents: [{at: 1s, rate: 5/s}]',
      'events[0].rate: goes with traffic.rate alone',
    ],
  ])('%s', (text, complaint) => {
    const { scenario, complaints } = make(text);
    expect(scenario).toBeNull();
    expect(complaints).toContain(complaint);
  });

  it('reloads a configuration without its pool', () => {
    const other = configOf(1);
    const renamed = { ...other, pools: [{ ...other.pools[0], name: 'other' }] };
    const { complaints } = make(
      'events: [{at: 1s, reload: b.yaml}]',
      configOf(3),
      new Map([['b.yaml', renamed]]),
    );
    expect(complaints).toContain('events[0].reload: b.yaml has no pool "default"');
  });
});
