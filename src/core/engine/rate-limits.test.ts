import { describe, expect, it, vi } from 'vitest';
import { routeConfig } from '../../../sim/default-config.ts';
import { get, ok, post, type Raw, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { utf8 } from '../base/bytes.ts';
import type { RateLimitConfig } from '../config.ts';
import { endCode } from '../telemetry/end-code.ts';

const limit = (changes: Partial<RateLimitConfig> = {}): RateLimitConfig => ({
  requests: 20,
  periodMs: 60_000,
  burst: 3,
  key: { kind: 'client_address' },
  keys: 64,
  ...changes,
});

function stageWith(...rateLimits: RateLimitConfig[]): Stage {
  const routes = [routeConfig({ pathPrefix: '/login', rateLimits }), routeConfig()];
  const stage = new Stage({ config: { routes, trustedProxies: ['192.0.2.9'] } });
  stage.backend().answering(ok());
  return stage;
}

/** The statuses that a client gets for these requests, one after the other. */
function statuses(stage: Stage, client: Raw, ...requests: string[]): number[] {
  client.take();
  for (const request of requests) {
    client.send(request);
    stage.pass(2);
  }
  return client.statuses;
}

const times = (count: number, text: string): string[] => new Array(count).fill(text);

describe('a limit of a route', () => {
  it('lets a burst through, refuses what is above it, and says when to come again', () => {
    const stage = stageWith(limit());
    const client = stage.client();
    expect(statuses(stage, client, ...times(4, get('/login')))).toEqual([200, 200, 200, 429]);
    const answer = client.take().slice(-500);
    expect(answer).toContain('HTTP/1.1 429 Too Many Requests\r\n');
    expect(answer).toContain('\r\nRetry-After: 3\r\n');
    expect(answer).toContain('\r\nRateLimit-Policy: "default";q=20;w=60\r\n');
    expect(answer).toContain('\r\nRateLimit: "default";r=0;t=3\r\n');
    expect(answer).toContain('There were too many requests; try again later.');
    stage.pass(3000);
    expect(statuses(stage, client, ...times(2, get('/login')))).toEqual([200, 429]);
    expect(stage.leftovers()).toBe('');
  });

  it('says in the log which one it was, and asks no backend', () => {
    const stage = stageWith(limit({ burst: 1 }));
    const client = stage.client();
    statuses(stage, client, ...times(2, get('/login?x=1')));
    const [, record] = stage.records;
    expect(record).toMatchObject({ status: 429, attempts: 0, backend: null, pool: 'default' });
    expect(endCode(record.failure)).toBe('rate_limited');
    expect(record.failure?.cause).toBe('more than 20/min by client_address on /login');
    const byKey = stageWith(limit({ burst: 1, key: { kind: 'header', name: 'x-key' } }));
    statuses(byKey, byKey.client(), ...times(2, get('/login', 'X-Key: a\r\n')));
    expect(byKey.records[1].failure?.cause).toBe('more than 20/min by header:x-key on /login');
  });

  it('is none for other routes, and each client has its own', () => {
    const stage = stageWith(limit({ burst: 1 }));
    const [one, other] = [stage.client(), stage.client('192.0.2.2')];
    expect(statuses(stage, one, ...times(2, get('/login')))).toEqual([200, 429]);
    expect(statuses(stage, one, ...times(5, get('/logins')))).toEqual(times(5, '').map(() => 200));
    expect(statuses(stage, other, ...times(2, get('/login')))).toEqual([200, 429]);
    // Another connection of the same client.
    expect(statuses(stage, stage.client(), get('/login'))).toEqual([429]);
  });

  it('leaves the connection open when the request is whole, and closes it when it is not', () => {
    const stage = stageWith(limit({ burst: 1 }));
    const upload = post('abc').replace('POST /', 'POST /login');
    const unfinished = stage.client();
    expect(statuses(stage, unfinished, upload, upload)).toEqual([200, 429]);
    expect(unfinished.received).toMatch(/ 429 [\s\S]*\r\nConnection: close\r\n/);
    const whole = stage.client();
    expect(statuses(stage, whole, get('/login'), get('/login'))).toEqual([429, 429]);
    expect(whole.received).not.toContain('Connection: close');
    expect(whole.closed).toBe(undefined);
    expect(stage.leftovers()).toBe('');
  });

  it('has the page that the pool has for it', () => {
    const page = { body: utf8('{"slow":"down"}'), contentType: 'application/json' };
    const stage = new Stage({
      pool: { errorPages: new Map([[429, page]]) },
      config: { routes: [routeConfig({ rateLimits: [limit({ burst: 1 })] })] },
    });
    stage.backend().answering(ok());
    const client = stage.client();
    expect(statuses(stage, client, get(), get())).toEqual([200, 429]);
    expect(client.received).toMatch(/Retry-After: 3\r\n[\s\S]*\r\n\r\n{"slow":"down"}$/);
  });

  it('counts on over a reload that leaves it as it is, and anew when it changes', () => {
    const stage = stageWith(limit({ burst: 2 }));
    const client = stage.client();
    expect(statuses(stage, client, ...times(3, get('/login')))).toEqual([200, 200, 429]);
    stage.configure({ ...stage.config, limits: { ...stage.config.limits, headBytes: 5000 } });
    expect(statuses(stage, client, get('/login'))).toEqual([429]);
    const routes = [routeConfig({ pathPrefix: '/login', rateLimits: [limit({ burst: 3 })] })];
    stage.configure({ ...stage.config, routes });
    expect(statuses(stage, client, ...times(4, get('/login')))).toEqual([200, 200, 200, 429]);
    stage.configure({ ...stage.config, routes: [routeConfig()] });
    expect(statuses(stage, client, get('/login'))).toEqual([200]);
  });
});

describe('what requests share', () => {
  it('is a part of them, whoever sends it', () => {
    const cases: readonly [RateLimitConfig['key'], string, string, string][] = [
      [{ kind: 'header', name: 'x-key' }, get('/login', 'X-Key: a\r\n'), 'X-Key: a', 'X-Key: b'],
      [{ kind: 'cookie', name: 'id' }, get('/login', 'Cookie: id=a\r\n'), 'id=a', 'id=b'],
      [{ kind: 'query', name: 'id' }, get('/login?id=a'), 'id=a', 'id=b'],
      [{ kind: 'path' }, get('/login/a?x=1'), '/a?x=1', '/b'],
      [{ kind: 'host' }, get('/login').replace('a.test', 'A.test:80'), 'A.test:80', 'b.test'],
    ];
    for (const [key, request, part, other] of cases) {
      const stage = stageWith(limit({ key, burst: 1 }));
      const [client, another] = [stage.client(), stage.client('192.0.2.2')];
      expect(statuses(stage, client, request)).toEqual([200]);
      expect(statuses(stage, another, request)).toEqual([429]);
      expect(statuses(stage, client, request.replace(part, other))).toEqual([200]);
    }
  });

  it('may be nothing: a request without it is not limited', () => {
    const stage = stageWith(limit({ key: { kind: 'header', name: 'x-key' }, burst: 1 }));
    expect(statuses(stage, stage.client(), ...times(4, get('/login')))).toEqual(
      new Array(4).fill(200),
    );
  });

  it('may be the route: then all clients do', () => {
    const stage = stageWith(limit({ key: { kind: 'all' }, keys: 1, burst: 1 }));
    expect(statuses(stage, stage.client(), get('/login'))).toEqual([200]);
    expect(statuses(stage, stage.client('192.0.2.2'), get('/login/x'))).toEqual([429]);
  });

  it('is the /64 of an IPv6 client, also behind a trusted proxy', () => {
    const stage = stageWith(limit({ burst: 1 }));
    const [one, neighbour, far] = ['2001:db8::1', '2001:db8::2:3', '2001:db8:0:1::1'].map(
      (address) => stage.client(address),
    );
    expect(statuses(stage, one, get('/login'))).toEqual([200]);
    expect(statuses(stage, neighbour, get('/login'))).toEqual([429]);
    expect(statuses(stage, far, get('/login'))).toEqual([200]);
    const proxy = stage.client('192.0.2.9');
    const from = (address: string): string => get('/login', `X-Forwarded-For: ${address}\r\n`);
    expect(statuses(stage, proxy, from('2001:DB8:0::9'), from('192.0.2.77'))).toEqual([429, 200]);
    expect(statuses(stage, proxy, from('::ffff:192.0.2.77'))).toEqual([429]);
    // Nobody else is believed.
    expect(statuses(stage, stage.client('192.0.2.77'), from('192.0.2.78'))).toEqual([429]);
  });
});

describe('several limits', () => {
  it('must all agree, and what one refuses counts for none', () => {
    const stage = stageWith(
      limit({ requests: 1, periodMs: 1000, burst: 4 }),
      limit({ key: { kind: 'query', name: 'user' }, requests: 1, periodMs: 3_600_000, burst: 1 }),
    );
    const client = stage.client();
    const as = (user: string): string => get(`/login?user=${user}`);
    expect(statuses(stage, client, as('a'), ...times(9, as('a')))).toEqual([
      200,
      ...new Array(9).fill(429),
    ]);
    expect(client.take()).toContain('RateLimit-Policy: "default";q=1;w=3600\r\n');
    const rest = [as('b'), as('c'), as('d'), as('e')];
    expect(statuses(stage, client, ...rest)).toEqual([200, 200, 200, 429]);
    expect(client.take()).toContain('RateLimit-Policy: "default";q=1;w=1\r\n');
    expect(stage.records.at(-1)?.failure?.cause).toBe('more than 1/s by client_address on /login');
  });
});

describe('a limit with more keys than it has room for', () => {
  it('lets the others through, and says so once a minute', () => {
    const stage = stageWith(limit({ key: { kind: 'query', name: 'user' }, keys: 1, burst: 1 }));
    const client = stage.client();
    const users = Array.from({ length: 5 }, (_, i) => get(`/login?user=${i}`));
    expect(statuses(stage, client, ...users)).toEqual(new Array(5).fill(200));
    expect(statuses(stage, client, ...users)).toEqual([429, 429, 200, 200, 200]);
    expect(stage.events).toEqual([]);
    stage.pass(60_100);
    expect(stage.events).toEqual(['rate_limit_full']);
    stage.pass(300_000);
    expect(stage.events).toEqual(['rate_limit_full']);
  });

  it('counts them for each notice, which comes a minute after the first', () => {
    const key = { kind: 'query', name: 'user' } as const;
    const stage = stageWith(limit({ key, keys: 1, requests: 1, periodMs: 3_600_000, burst: 1 }));
    const said = vi.spyOn(stage.engine.log, 'event');
    const client = stage.client();
    const users = Array.from({ length: 5 }, (_, i) => get(`/login?user=${i}`));
    statuses(stage, client, ...users);
    stage.pass(30_000);
    statuses(stage, client, users[4]);
    stage.pass(30_100);
    const requests = (): unknown[] => said.mock.calls.map(([, , , fields]) => fields?.requests);
    expect(requests()).toEqual([4]);
    const users2 = users.map((user) => user.replace('user=', 'user=x'));
    statuses(stage, stage.client(), ...users2);
    stage.pass(60_100);
    expect(requests()).toEqual([4, 5]);
    expect(said.mock.calls[0][3]).toMatchObject({ keys: 1 });
  });
});

describe('when to come again', () => {
  it('is said in whole seconds, and never too early', () => {
    const stage = stageWith(limit({ requests: 1, periodMs: 3_600_000, burst: 1 }));
    const client = stage.client();
    expect(statuses(stage, client, ...times(2, get('/login')))).toEqual([200, 429]);
    expect(client.received).toMatch(/Retry-After: 3600\r\n/);
    expect(client.received).toMatch(/RateLimit-Policy: "default";q=1;w=3600\r\n/);
    stage.pass(1000);
    expect(statuses(stage, stage.client(), get('/login'))).toEqual([429]);
    stage.pass(3_598_900);
    const late = stage.client();
    expect(statuses(stage, late, get('/login'))).toEqual([429]);
    expect(late.received).toMatch(/Retry-After: 1\r\n/);
    stage.pass(1000);
    expect(statuses(stage, late, get('/login'))).toEqual([200]);
  });
});
