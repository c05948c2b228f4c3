import { describe, expect, it } from 'vitest';
import { listenerConfig, routeConfig } from '../../../sim/default-config.ts';
import { get, ok, Raw, type RawBackend, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, NO_LIMITS, poolConfig } from '../../../test/fixtures/control-world.ts';
import type { Failure } from '../base/failure.ts';
import type { TlsTarget } from '../base/transport.ts';
import type { PoolTlsConfig } from '../config.ts';
import { Backend } from '../table/backend.ts';
import { State } from '../table/table.ts';

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Backends 1 and up, all answering. */
function answering(count: number): { stage: Stage; backends: RawBackend[] } {
  const stage = new Stage({ backends: count });
  const backends = Array.from({ length: count }, (_, index) =>
    stage.backend(index + 1).answering(),
  );
  return { stage, backends };
}

describe('another configuration', () => {
  it('with a smaller limit for heads cuts none that was read before it came', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n');
    stage.configure({ ...stage.config, limits: { ...stage.config.limits, headBytes: 1000 } });
    client.send(`X: ${'z'.repeat(30_000)}\r\n\r\n`);
    stage.pass(10);
    client.send('\r\nEvil: 1\r\n\r\nGET /smuggled HT');
    stage.pass(10);
    expect(backend.last.received).toMatch(/z\r\n([A-Z][^\r]*\r\n)+\r\n\r\nEvil: 1/);
    backend.last.send(ok());
    stage.pass(2);
    expect(stage.record.status).toBe(200);
    expect(stage.leftovers()).toBe('');
  });

  it('trusts a backend again that it takes back while an exchange is still on it', () => {
    const stage = new Stage({ backends: 2 });
    const backend = stage.backend(1);
    stage.ask(get());
    stage.configure(stage.config, () => stage.backends.slice(1));
    stage.configure(stage.config, () => stage.backends.slice(0, 1));
    backend.answering();
    backend.last.send(ok());
    stage.pass(2);
    stage.ask(get());
    stage.ask(get());
    expect(backend.connections).toHaveLength(1);
    expect(stage.leftovers()).toBe('');
  });

  it('keeps the connections of the backends that stay', () => {
    const { stage, backends } = answering(2);
    stage.ask(get());
    stage.ask(get());
    stage.configure({ ...stage.config, timeouts: { ...stage.config.timeouts, connectMs: 1 } });
    stage.ask(get());
    stage.ask(get());
    expect(backends.map(({ connections }) => connections.length)).toEqual([1, 1]);
    expect(stage.leftovers()).toBe('');
  });

  it('goes on round robin where it was', () => {
    const { stage } = answering(3);
    stage.ask(get());
    stage.configure(stage.config);
    stage.ask(get());
    expect(stage.records.map(({ backend }) => backend)).toEqual(['server-1', 'server-2']);
  });

  it('closes what is idle of a backend that leaves', () => {
    const { stage, backends } = answering(2);
    stage.ask(get());
    stage.configure(stage.config, () => stage.backends.slice(1));
    stage.pass(1);
    expect(backends[0].last.ended).toBe(true);
    for (let request = 0; request < 3; request++) stage.ask(get());
    expect(stage.records.map(({ backend }) => backend)).toEqual([
      'server-1',
      'server-2',
      'server-2',
      'server-2',
    ]);
    expect(stage.leftovers()).toBe('');
  });

  it('lets an exchange on a backend that leaves finish, and keeps nothing of it', () => {
    const stage = new Stage({ backends: 2 });
    const backend = stage.backend();
    const client = stage.ask(get());
    stage.configure(stage.config, () => stage.backends.slice(1));
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    stage.pass(1);
    expect(backend.last.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('does not hand the connections of a backend to another in its slot', () => {
    const { stage, backends } = answering(2);
    stage.ask(get());
    const [old] = stage.backends;
    stage.configure(stage.config, () => []);
    stage.table.setState(old.slot, State.draining);
    stage.table.free(old.slot);
    const slot = stage.table.claim(1, State.up)!;
    expect(slot).toBe(old.slot);
    const { config, pool } = stage.backends[1];
    const fresh = new Backend(slot, stage.table.generation(slot), config, pool);
    fresh.addresses = ['10.0.0.2'];
    stage.configure(stage.config, () => [fresh]);
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(backends.map(({ connections }) => connections.length)).toEqual([1, 1]);
  });

  it('counts from the next request on an open connection', () => {
    const { stage } = answering(1);
    const client = stage.ask(get());
    const limits = { ...stage.config.limits, headBytes: 100 };
    stage.configure({ ...stage.config, limits });
    client.send(get('/', `X: ${'x'.repeat(100)}\r\n`));
    stage.pass(2);
    expect(client.statuses).toEqual([200, 431]);
    expect(stage.leftovers()).toBe('');
  });

  it('does not disturb an exchange that is going on', () => {
    const stage = new Stage();
    const backend = stage.backend().answering(ok('0123456789').slice(0, -5));
    const client = stage.ask(get());
    const limits = { ...stage.config.limits, headerFields: 10, headBytes: 4096 };
    stage.configure({ ...stage.config, limits });
    backend.last.send('56789');
    stage.pass(1);
    expect(client.received.endsWith('0123456789')).toBe(true);
    client.send(get());
    stage.pass(2);
    backend.last.send('56789');
    stage.pass(1);
    expect(client.statuses).toEqual([200, 200]);
    expect(stage.leftovers()).toBe('');
  });

  it('without a pool has nobody for its requests', () => {
    const { stage } = answering(1);
    stage.engine.configure({ ...stage.config, pools: [], routes: [] }, new Map(), NO_LIMITS);
    expect(stage.ask(get()).statuses).toEqual([404]);
  });

  it('gives a new pool a cursor of its own', () => {
    const { stage } = answering(2);
    const pools = ['default', 'other'].map((name) =>
      poolConfig(
        stage.backends.map(({ config }) => config),
        { name },
      ),
    );
    const routes = [routeConfig({ pathPrefix: '/other', pool: 'other' }), routeConfig()];
    stage.configure({ ...stage.config, pools, routes });
    for (const path of ['/', '/other', '/', '/other']) stage.ask(get(path));
    const picked = stage.records.map(({ backend }) => backend);
    expect(picked).toEqual(['server-1', 'server-1', 'server-2', 'server-2']);
  });
});

describe('a backend that drains', () => {
  function drain(stage: Stage): void {
    stage.table.setState(stage.backends[0].slot, State.draining);
    stage.refresh();
  }

  it('takes nothing new, and is released with its last exchange', () => {
    const stage = new Stage({ backends: 2 });
    const backend = stage.backend();
    stage.backend(2).answering();
    const clients = [stage.ask(get())];
    stage.ask(get());
    clients.push(stage.ask(get()));
    drain(stage);
    stage.ask(get());
    expect(stage.records.map((record) => record.backend)).toEqual(['server-2', 'server-2']);
    backend.connections[0].send(ok());
    stage.pass(1);
    expect(stage.evidence).toEqual([]);
    backend.connections[1].send(ok());
    stage.pass(1);
    expect(clients.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
    expect(stage.evidence).toEqual(['released server-1']);
    expect(stage.leftovers()).toBe('');
  });

  it('is released with its last tunnel', () => {
    const stage = new Stage();
    stage.backend().answering(switching);
    const client = stage.ask(get('/', upgrade));
    drain(stage);
    expect(stage.evidence).toEqual([]);
    client.socket.reset();
    stage.pass(1);
    expect(stage.evidence).toEqual(['released server-1']);
    expect(stage.leftovers()).toBe('');
  });

  it('is not released while one of its tunnels is open', () => {
    const stage = new Stage();
    stage.backend().answering(switching);
    const clients = [stage.ask(get('/', upgrade)), stage.ask(get('/', upgrade))];
    drain(stage);
    clients[0].socket.reset();
    stage.pass(1);
    expect(stage.evidence).toEqual([]);
    clients[1].socket.reset();
    stage.pass(1);
    expect(stage.evidence).toEqual(['released server-1']);
  });

  it('is released when its exchanges are cut', () => {
    const stage = new Stage();
    stage.backend();
    stage.ask(get());
    drain(stage);
    stage.engine.cut(stage.backends[0], 'exchanges');
    expect(stage.evidence).toEqual(['released server-1']);
  });

  it('alone is told of: others come and go in silence', () => {
    const { stage } = answering(1);
    stage.ask(get());
    expect(stage.evidence).toEqual([]);
  });
});

describe('a listener', () => {
  it('on a port that is taken says so, and is not listed', () => {
    const { stage } = answering(1);
    const failures: (Failure | null)[] = [];
    stage.engine.listen({ ...listenerConfig(8080), address: 'again' }, (failure) => {
      failures.push(failure);
    });
    stage.pass(1);
    expect(failures).toMatchObject([{ kind: 'address_in_use', side: 'us' }]);
    expect(stage.engine.listening()).toEqual([{ address: '*:8080', host: null, port: 8080 }]);
  });

  it('that closes takes nobody new; its connections live on', () => {
    const { stage } = answering(1);
    const client = stage.ask(get());
    stage.engine.unlisten(listenerConfig(8080));
    stage.pass(1);
    expect(stage.client().closed).toMatchObject({ kind: 'refused' });
    client.send(get());
    stage.pass(2);
    expect(client.statuses).toEqual([200, 200]);
    expect(stage.engine.listening()).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a stop', () => {
  it('closes listeners, and idle connections of both kinds after a second of quiet', () => {
    const { stage, backends } = answering(1);
    const idle = stage.ask(get());
    stage.engine.beginStop();
    stage.pass(1);
    expect(stage.client().closed).toMatchObject({ kind: 'refused' });
    expect(backends[0].last.ended).toBe(true);
    stage.pass(900);
    expect(idle.ended).toBe(false);
    stage.pass(200);
    expect(idle.ended).toBe(true);
    stage.pass(1);
    expect(stage.engine.open()).toMatchObject({ connections: 0, exchanges: 0, tunnels: 0 });
    expect(stage.leftovers()).toBe('');
  });

  it('takes in who is in an accept queue, before it closes the listeners', () => {
    const stage = new Stage({ manualTurns: true });
    stage.backend().answering();
    const queued = new Raw();
    const to = { address: '10.0.0.100', port: 8080, tls: null };
    queued.socket = stage.network.transport('192.0.2.9').connect(to, queued);
    stage.engine.beginStop();
    stage.pass(1);
    queued.send(get());
    stage.pass(2);
    expect(queued.statuses).toEqual([200]);
    // It came in this turn, so that others may wait behind it: one more turn is given.
    for (let turn = 0; turn < 2; turn++) stage.turn();
    expect(stage.client().closed).toBe(undefined);
    for (let turn = 0; turn < 6; turn++) stage.turn();
    expect(stage.client().closed).toMatchObject({ kind: 'refused' });
    queued.socket.close();
    expect(stage.leftovers()).toBe('');
  });

  it('lets what is going on finish, and says that it is the last', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask(get());
    stage.engine.beginStop();
    stage.pass(5000);
    expect(stage.engine.open()).toMatchObject({ connections: 1, exchanges: 1, tunnels: 0 });
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('still answers a request that comes within the second', () => {
    const { stage } = answering(1);
    const client = stage.ask(get());
    stage.engine.beginStop();
    stage.pass(900);
    client.send(get());
    stage.pass(2);
    expect(client.statuses).toEqual([200, 200]);
    expect(client.received.match(/Connection: close/g)).toHaveLength(1);
  });

  it('cuts what is left at its deadline: exchanges, tunnels and the idle', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const tunnel = stage.ask(get('/', upgrade));
    backend.last.send(switching);
    const clients = [tunnel, stage.ask(get()), stage.client()];
    expect(stage.engine.open()).toMatchObject({ connections: 3, exchanges: 2, tunnels: 1 });
    stage.engine.beginStop();
    stage.engine.cutAll();
    stage.pass(1);
    expect(clients.map(({ wasReset }) => wasReset)).toEqual([true, true, true]);
    expect(backend.connections.map(({ wasReset }) => wasReset)).toEqual([true, true]);
    expect(stage.engine.open()).toMatchObject({ connections: 0, exchanges: 0, tunnels: 0 });
    expect(stage.records.map(({ status, failure }) => [status, failure?.kind])).toEqual([
      [101, 'stopping'],
      [0, 'stopping'],
    ]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('an answer without a date', () => {
  it('gets ours, which goes with the time', () => {
    const { stage } = answering(1);
    const client = stage.ask(get());
    stage.pass(2000);
    client.send(get());
    stage.pass(2);
    expect(client.received.match(/Date: [^\r]*/g)).toEqual([
      'Date: Thu, 01 Jan 2026 00:00:00 GMT',
      'Date: Thu, 01 Jan 2026 00:00:02 GMT',
    ]);
  });

  it('keeps its own', () => {
    const stage = new Stage();
    const date = 'Date: Fri, 02 Jan 1970 00:00:00 GMT\r\n';
    stage.backend().answering(ok('ok', date));
    expect(stage.ask(get()).received.match(/Date: [^\r]*\r\n/g)).toEqual([date]);
  });
});

describe('the TLS of a backend', () => {
  const careless: PoolTlsConfig = { verify: false, caPem: null, serverName: null };
  const strict: PoolTlsConfig = { verify: true, caPem: 'a certificate', serverName: null };

  /** One with such a URL in a pool with these settings, which a reload changes. */
  function backendOver(tls: PoolTlsConfig, url: 'https' | 'http' = 'https') {
    const dialled: (TlsTarget | null)[] = [];
    const stage = new Stage({
      pool: { backends: [backendConfig(1, { tls: url === 'https' })], tls },
    });
    const { transport } = stage.engine;
    const { connect } = transport;
    transport.connect = (to, handler) => {
      dialled.push(to.tls);
      return connect(to, handler);
    };
    const reload = (changed: PoolTlsConfig): void => {
      const pool = { ...stage.config.pools[0], tls: changed };
      stage.backends[0].pool = pool;
      stage.configure({ ...stage.config, pools: [pool] });
      stage.pass(1);
    };
    return { stage, backend: stage.backend().answering(), dialled, reload };
  }

  it.each([
    ['verify', { ...careless, verify: true }],
    ['ca', { ...careless, caPem: 'a certificate' }],
    ['server_name', { ...careless, serverName: 'other.test' }],
  ])('that a reload changes (%s) closes what is idle', (_key, changed) => {
    const { stage, backend, dialled, reload } = backendOver(careless);
    stage.ask(get());
    reload(changed);
    expect(backend.last.ended).toBe(true);
    expect(stage.ask(get()).statuses).toEqual([200]);
    const host = { serverName: '10.0.0.1' };
    const named = changed.serverName === null ? host : {};
    expect(dialled).toEqual([
      { ...careless, ...host },
      { ...changed, ...named },
    ]);
    expect(stage.leftovers()).toBe('');
  });

  it('that a reload changes lets an exchange finish, and keeps nothing of it', () => {
    const { stage, backend, dialled, reload } = backendOver(careless);
    backend.onHead = () => {};
    const client = stage.ask(get());
    reload(strict);
    // Back again: that connection belongs to neither any more.
    reload(careless);
    backend.answering().last.send(ok());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(backend.last.ended).toBe(true);
    stage.ask(get());
    stage.ask(get());
    expect(backend.connections).toHaveLength(2);
    expect(dialled.map((target) => target?.verify)).toEqual([false, false]);
    expect(stage.leftovers()).toBe('');
  });

  it('that a reload leaves as it was closes nothing, idle or busy', () => {
    const { stage, backend, reload } = backendOver(strict);
    stage.ask(get());
    reload({ ...strict });
    backend.onHead = () => {};
    stage.ask(get());
    reload({ ...strict });
    backend.answering().last.send(ok());
    stage.pass(2);
    stage.ask(get());
    expect(backend.connections).toHaveLength(1);
    expect(stage.leftovers()).toBe('');
  });

  it('is none for a plain URL, whatever its pool says', () => {
    const { stage, backend, dialled, reload } = backendOver(careless, 'http');
    stage.ask(get());
    reload(strict);
    stage.ask(get());
    expect(backend.connections).toHaveLength(1);
    expect(dialled).toEqual([null]);
  });
});
