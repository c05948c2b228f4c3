/** The story of one exchange; when it is tried again: `exchange-retries.test.ts`. */
import { describe, expect, it } from 'vitest';
import { routeConfig } from '../../../sim/default-config.ts';
import {
  get,
  ok,
  post,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, poolConfig } from '../../../test/fixtures/control-world.ts';
import { latin1 } from '../base/bytes.ts';
import type { PoolConfig } from '../config.ts';

function answering(options: StageOptions = {}): { stage: Stage; backend: RawBackend } {
  const stage = new Stage(options);
  return { stage, backend: stage.backend().answering() };
}

/** What the newest request head at the backend says in this field. */
const told = (backend: RawBackend, name: string): string | null => {
  const heads = backend.last.received.split('\r\n\r\n').filter((part) => part !== '');
  const lines = heads[heads.length - 1].split('\r\n');
  const line = lines.find((each) => each.startsWith(`${name}: `));
  return line === undefined ? null : line.slice(name.length + 2);
};

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

describe('the log line', () => {
  it('says everything of an exchange, its times from the first byte', () => {
    const stage = new Stage();
    const backend = stage.backend();
    stage.ask(post('hello'), 500);
    backend.last.send(ok('whole').slice(0, -2));
    stage.pass(500);
    backend.last.send('le');
    stage.pass(1);
    const { startedWallMs, connectMs, responseHeadMs, totalMs, ...rest } = stage.record;
    expect(rest).toEqual({
      requestId: expect.stringMatching(/^[0-9a-f]{24}$/),
      client: '192.0.2.1',
      method: 'POST',
      target: '/',
      host: 'a.test',
      protocol: 'HTTP/1.1',
      status: 200,
      pool: 'default',
      backend: 'server-1',
      attempts: 1,
      hedged: false,
      queueMs: 0,
      requestBodyBytes: 5,
      responseBodyBytes: 5,
      failure: null,
    });
    expect(connectMs).toBeCloseTo(0.2);
    expect(responseHeadMs).toBeGreaterThan(499);
    expect(responseHeadMs).toBeLessThan(501);
    expect(totalMs).toBeGreaterThan(999);
    expect(totalMs).toBeLessThan(1001);
    expect(startedWallMs).toBe(Date.UTC(2026, 0, 1) + 3);
    expect(stage.leftovers()).toBe('');
  });

  it('of one exchange keeps nothing of the one before', () => {
    const { stage } = answering();
    const client = stage.ask(post('hello'));
    client.send(get('/second'));
    stage.pass(2);
    expect(stage.records[1]).toMatchObject({
      method: 'GET',
      target: '/second',
      requestBodyBytes: 0,
      attempts: 1,
    });
    expect(stage.records[1].requestId).not.toBe(stage.records[0].requestId);
  });

  it('is not written when the configuration says so', () => {
    const stage = new Stage({ config: { log: { level: 'info', access: false, format: 'auto' } } });
    stage.backend().answering();
    expect(stage.ask(get()).statuses).toEqual([200]);
    expect(stage.records).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the request id', () => {
  it('is one for the backend, the log and our own answers', () => {
    const { stage, backend } = answering();
    stage.ask(get());
    expect(told(backend, 'X-Request-Id')).toBe(stage.record.requestId);
    stage.network.kill('10.0.0.1');
    stage.pass(1);
    const refused = stage.ask(get());
    expect(refused.statuses).toEqual([503]);
    expect(refused.received).toContain(`Request id: ${stage.records[1].requestId}\n`);
  });

  it('of a stranger is replaced, of a trusted peer kept', () => {
    const fields = 'X-Request-Id: from-the-edge\r\n';
    const stranger = answering();
    stranger.stage.ask(get('/', fields));
    expect(told(stranger.backend, 'X-Request-Id')).toBe(stranger.stage.record.requestId);
    expect(stranger.stage.record.requestId).not.toBe('from-the-edge');
    const trusted = answering({ config: { trustedProxies: ['192.0.2.0/24'] } });
    trusted.stage.ask(get('/', fields));
    expect(told(trusted.backend, 'X-Request-Id')).toBe('from-the-edge');
    expect(trusted.stage.record.requestId).toBe('from-the-edge');
  });

  it('of a trusted peer is known also to an answer that is ours', () => {
    const stage = new Stage({ config: { trustedProxies: ['192.0.2.1'] } });
    const client = stage.ask(get('/', 'X-Request-Id: from-the-edge\r\n'));
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('Request id: from-the-edge\n');
    expect(stage.record.requestId).toBe('from-the-edge');
  });
});

describe('who the client is', () => {
  const chain = 'X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n';

  it('is the peer, whatever a stranger says', () => {
    const { stage, backend } = answering();
    stage.ask(get('/', chain));
    expect(told(backend, 'X-Forwarded-For')).toBe('192.0.2.1');
    expect(told(backend, 'X-Real-IP')).toBe('192.0.2.1');
    expect(told(backend, 'X-Forwarded-Proto')).toBe('http');
    expect(told(backend, 'X-Forwarded-Host')).toBe('a.test');
    expect(stage.record.client).toBe('192.0.2.1');
  });

  it('is whom a trusted proxy names, and the chain grows', () => {
    const { stage, backend } = answering({ config: { trustedProxies: ['192.0.2.1'] } });
    stage.ask(get('/', chain));
    expect(told(backend, 'X-Forwarded-For')).toBe('198.51.100.7, 192.0.2.1');
    expect(told(backend, 'X-Real-IP')).toBe('198.51.100.7');
    expect(told(backend, 'X-Forwarded-Proto')).toBe('https');
    expect(stage.record.client).toBe('198.51.100.7');
  });
});

describe('a route', () => {
  const members = [1, 2].map((number) => backendConfig(number));

  it('that is missing is a 404, and nobody is asked', () => {
    const { stage, backend } = answering({
      config: { routes: [routeConfig({ hosts: ['b.test'] })] },
    });
    const client = stage.ask(get());
    expect(client.statuses).toEqual([404]);
    expect(backend.connections).toHaveLength(0);
    expect(stage.record).toMatchObject({
      pool: null,
      backend: null,
      attempts: 0,
      failure: { kind: 'no_route', side: 'us', phase: 'route' },
    });
    client.send(get().replace('a.test', 'b.test'));
    stage.pass(2);
    expect(client.statuses).toEqual([404, 200]);
    expect(stage.leftovers()).toBe('');
  });

  it('leads to its pool', () => {
    const stage = new Stage({ backends: 2 });
    for (const number of [1, 2]) stage.backend(number).answering();
    const pools = ['default', 'api'].map((name, index) => poolConfig([members[index]], { name }));
    const routes = [routeConfig({ pathPrefix: '/api', pool: 'api' }), routeConfig()];
    const [first, second] = stage.backends;
    stage.configure({ ...stage.config, pools, routes }, ({ name }) => [
      name === 'api' ? second : first,
    ]);
    for (const path of ['/api/users', '/apiary', '/api']) stage.ask(get(path));
    const went = stage.records.map(({ pool, backend }) => `${pool} ${backend}`);
    expect(went).toEqual(['api server-2', 'default server-1', 'api server-2']);
  });
});

describe('the host that a backend is told', () => {
  it.each([
    ['the client said', { kind: 'preserve' }, 'a.test'],
    ['is its own', { kind: 'backend' }, '10.0.0.1:9000'],
    ['is configured', { kind: 'name', name: 'b.test' }, 'b.test'],
  ] as [string, PoolConfig['host'], string][])('is the one that %s', (_which, host, name) => {
    const { stage, backend } = answering({ pool: { host } });
    stage.ask(get());
    expect(told(backend, 'Host')).toBe(name);
    expect(stage.record.host).toBe('a.test');
  });
});

describe('the path of a backend', () => {
  it('stands before that of the request', () => {
    const members = [backendConfig(1, { basePath: '/app' })];
    const { stage, backend } = answering({ pool: { backends: members } });
    stage.ask(get('/users?all'));
    expect(backend.last.received.startsWith('GET /app/users?all HTTP/1.1\r\n')).toBe(true);
    expect(stage.record.target).toBe('/users?all');
  });
});

describe('our own answer', () => {
  const page = { body: latin1('<h1>Soon back</h1>'), contentType: 'text/html' };

  it('is the page that the pool has for its status', () => {
    const stage = new Stage({ pool: { errorPages: new Map([[503, page]]) } });
    const client = stage.ask(get());
    expect(client.statuses).toEqual([503]);
    expect(client.received).toContain('\r\nContent-Type: text/html\r\nContent-Length: 18\r\n');
    expect(client.received.endsWith('\r\n\r\n<h1>Soon back</h1>')).toBe(true);
    expect(stage.record.responseBodyBytes).toBe(18);
    expect(stage.leftovers()).toBe('');
  });

  it('has no page of a pool before there is one', () => {
    const stage = new Stage({ pool: { errorPages: new Map([[400, page]]) } });
    const client = stage.ask('GET / HTTP/1.1\r\n\r\n');
    expect(client.statuses).toEqual([400]);
    expect(client.received).not.toContain('Soon back');
    expect(stage.record.failure?.cause).toMatch(/^HO01 /);
  });

  it('to a HEAD request has no body', () => {
    const stage = new Stage();
    const client = stage.ask(get().replace('GET', 'HEAD'));
    expect(client.statuses).toEqual([503]);
    expect(client.received.endsWith('\r\n\r\n')).toBe(true);
  });

  it('leaves the connection open for the next request', () => {
    const stage = new Stage();
    const client = stage.ask(get());
    stage.backend().answering();
    stage.configure(stage.config);
    client.send(get());
    stage.pass(2);
    expect(client.statuses).toEqual([503, 200]);
  });
});

describe('an exchange that is cut', () => {
  it('before its answer is a 503', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask(get());
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(1);
    expect(client.statuses).toEqual([503]);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.record.failure).toMatchObject({
      kind: 'stopping',
      side: 'us',
      cause: 'the time to drain the backend is over',
    });
    expect(stage.leftovers()).toBe('');
  });

  it('while it connects is a 503 as well', () => {
    const stage = new Stage();
    stage.network.blackHole('10.0.0.1');
    const client = stage.ask(get());
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(1);
    expect(client.statuses).toEqual([503]);
    expect(stage.evidence).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });

  it('in its answer resets the client', () => {
    const stage = new Stage();
    const backend = stage.backend().answering(ok('hello').slice(0, -2));
    const client = stage.ask(get());
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(1);
    expect(client.received).toContain('hel');
    expect(client.wasReset).toBe(true);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('is not a tunnel, and the other way round', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const tunnel = stage.ask(get('/', upgrade));
    backend.last.send(switching);
    stage.pass(1);
    const plain = stage.ask(get());
    stage.engine.cut(stage.backends[0], 'tunnels');
    stage.pass(1);
    expect(tunnel.wasReset).toBe(true);
    expect(plain.closed).toBe(undefined);
    const other = stage.ask(get('/', upgrade));
    backend.last.send(switching);
    stage.pass(1);
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(1);
    expect(plain.statuses).toEqual([503]);
    expect(other.closed).toBe(undefined);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a tunnel', () => {
  it('ends when both sides have, each in its own time', () => {
    const stage = new Stage();
    const backend = stage.backend().answering(switching);
    const client = stage.ask(get('/', upgrade));
    client.send('last words').socket.end();
    stage.pass(1);
    expect(backend.last.received.endsWith('last words')).toBe(true);
    expect(backend.last.ended).toBe(true);
    expect(stage.records).toEqual([]);
    backend.last.send('farewell').socket.end();
    stage.pass(1);
    expect(client.received.endsWith('farewell')).toBe(true);
    expect(client.closed).toBe(null);
    expect(stage.record).toMatchObject({
      status: 101,
      failure: null,
      requestBodyBytes: 10,
      responseBodyBytes: 8,
    });
    expect(stage.leftovers()).toBe('');
  });

  it('breaks on both sides when one breaks', () => {
    const stage = new Stage();
    const backend = stage.backend().answering(switching);
    const clients = [stage.ask(get('/', upgrade)), stage.ask(get('/', upgrade))];
    backend.connections[0].socket.reset();
    clients[1].socket.reset();
    stage.pass(1);
    expect(clients[0].wasReset).toBe(true);
    expect(backend.connections[1].wasReset).toBe(true);
    expect(stage.records.map(({ failure }) => failure?.side)).toEqual(['backend', 'client']);
    expect(stage.leftovers()).toBe('');
  });

  it('is counted as a tunnel, not as an exchange in flight', () => {
    const stage = new Stage();
    const [{ slot }] = stage.backends;
    stage.backend().answering(switching);
    stage.ask(get('/', upgrade));
    expect([stage.table.inFlight(slot), stage.table.tunnels(slot)]).toEqual([0, 1]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a client that expects 100-continue', () => {
  it('hears it from the backend, and sends its body then', () => {
    const stage = new Stage();
    const backend = stage.backend().answering('HTTP/1.1 100 Continue\r\n\r\n');
    const client = stage.ask(post('hello', 'Expect: 100-continue\r\n').slice(0, -5));
    expect(client.received).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    stage.pass(1);
    backend.last.send(ok());
    stage.pass(1);
    expect(client.statuses).toEqual([100, 200]);
    expect(backend.last.received.endsWith('\r\n\r\nhello')).toBe(true);
    expect(stage.leftovers()).toBe('');
  });
});
