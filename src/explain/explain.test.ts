import { describe, expect, it } from 'vitest';
import { Report } from '../config/diagnostics.ts';
import { configFromValue } from '../config/load.ts';
import { policies } from '../core/balancing/balancing.ts';
import type { PolicyName } from '../core/config.ts';
import type { PolicyFunction } from '../core/policy-function.ts';
import { explain } from './explain.ts';
import type { Explanation } from './explanation.ts';
import type { Question } from './rehearse.ts';
import { requestBytes } from './request-bytes.ts';

interface Asked extends Partial<Omit<Question, 'config' | 'bytes' | 'listener'>> {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: readonly string[];
}

const BACKENDS = ['a', 'b', 'c'].map((name) => ({ name, url: `http://${name}.test` }));

/** Of a pool with three backends; `value` adds to its configuration. */
function ask(value: object, { method = 'GET', url = '/', headers = [], ...about }: Asked = {}) {
  const result = configFromValue({ port: 80, backends: BACKENDS, ...value }, new Report(''), '.');
  if (!('config' in result)) throw new Error(JSON.stringify(result.diagnostics));
  const { config } = result;
  const typed = requestBytes(config, { method, url, headers });
  if ('problem' in typed) throw new Error(typed.problem);
  const calm = { from: '192.0.2.1', seed: 1, down: [], drained: [], busy: [] };
  return explain({ config, ...typed, ...calm, ...about });
}

const down = (...names: string[]) => names.map((backend) => ({ pool: 'default', backend }));
const statesOf = ({ pick }: Explanation) => pick!.candidates.map(({ state }) => state);

describe('an explanation', () => {
  it('tells of each attempt when nobody knew yet that a backend is down', () => {
    const { pick, connect, log } = ask({}, { down: down('a') });
    expect(connect.map(({ backend, failure }) => [backend, failure])).toEqual([
      ['a', 'a.test:80 refused the connection'],
      ['b', null],
    ]);
    expect(log).toMatchObject({ status: 200, backend: 'b', attempts: 2, end: 'ok', cause: null });
    const backends = [{ name: 'a', url: 'http://[::1]:9001' }, BACKENDS[1]];
    const [six] = ask({ backends }, { down: down('a') }).connect;
    expect(six.failure).toBe('[::1]:9001 refused the connection');
    // By then everybody knows.
    expect(pick!.next).not.toContain('a');
  });

  it('has states that probes have found', () => {
    const about = ask({ health_check: { path: '/health' } }, { down: down('b') });
    expect(statesOf(about)).toEqual(['up', 'down', 'up']);
    expect(about.pick!.candidates[1].why).toBe('b.test:80 refused the connection');
    expect(about.pick!.next.slice(0, 4)).toEqual(['c', 'a', 'c', 'a']);
  });

  it('believes in backends with other statuses than 200', () => {
    const health_check = { path: '/', expected_status: '301-302' };
    expect(statesOf(ask({ health_check }))).toEqual(['up', 'up', 'up']);
  });

  it('stops where the request is refused, at the byte', () => {
    const { parse, route, pick, relay, log } = ask({}, { headers: ['X: a', 'Bad\x01: 1'] });
    const { rule, byte, column } = parse.refused!;
    expect({ rule, byte, column }).toEqual({ rule: 'FL06', byte: 42, column: 3 });
    expect(parse.refused!.line).toBe('Bad\x01: 1');
    expect([route, pick, relay]).toEqual([null, null, null]);
    expect(log).toMatchObject({ status: 400, end: 'client_malformed' });
  });

  it('stops where no route takes the request', () => {
    const pools = { only: { backends: BACKENDS } };
    const routes = [
      { host: 'a.test', path: '/x', pool: 'only' },
      { host: '*.b.test', pool: 'only' },
    ];
    const about = ask({ backends: undefined, pools, routes }, { url: 'http://a.test/y' });
    expect(about.route!.routes.map(({ differs }) => differs)).toEqual(['path', 'host']);
    expect(about.route).toMatchObject({ pool: null, failure: 'no route matches this request' });
    expect([about.pick, about.log.status]).toEqual([null, 404]);
  });

  it('says what limits count, and when they end it', () => {
    const routes = [
      { pool: 'default', rate_limits: [{ rate: '3/min' }, { rate: '9/s', key: 'all' }] },
    ];
    const { route, pick } = ask({ routes }, { from: '2001:db8:1:2:3::4' });
    expect(route!.limits).toEqual([
      { limit: '3/min, 3 at once, by client_address', key: '2001:db8:1:2::/64' },
      { limit: '9/s, 9 at once, by all', key: 'all' },
    ]);
    expect(pick!.next.slice(0, 4)).toEqual(['b', 'c', '429', '429']);
  });

  it('knows whose client it is behind a trusted proxy', () => {
    const headers = ['X-Forwarded-For: 9.9.9.9, 203.0.113.7'];
    const trusted = { trusted_proxies: ['192.0.2.0/24'], policy: 'maglev' };
    const { accept, pick } = ask(trusted, { headers });
    expect(accept).toMatchObject({ peer: '192.0.2.1', trusted: true, client: '203.0.113.7' });
    expect(pick!.key!.value).toBe('203.0.113.7');
  });

  it('waits in the queue, and says so', () => {
    const busy = [{ pool: 'default', backend: 'a', requests: 1 }];
    const backends = [{ ...BACKENDS[0], max_requests: 1 }];
    const { pick, log } = ask({ backends }, { busy });
    expect(pick!.candidates[0].why).toBe('it has 1 requests of 1 (max_requests)');
    expect(log).toMatchObject({ status: 503, end: 'overloaded' });
  });

  it('ends also where the request never becomes whole', () => {
    const { log } = ask({}, { method: 'POST', headers: ['Content-Length: 90000000'] });
    expect(log.attempts).toBe(1);
  });

  it('shows which lines were left out and added', () => {
    const headers = ['Connection: x-hop', 'X-Hop: 1', 'X-Forwarded-For: 1.1.1.1', 'Accept: */*'];
    const { head, left, added } = ask({}, { url: 'http://h/p', headers }).relay!;
    expect(left).toEqual(headers.slice(0, 3));
    expect(head.slice(0, 3)).toEqual(['GET /p HTTP/1.1', 'Host: h', 'Accept: */*']);
    expect(added).toContain('X-Forwarded-For: 192.0.2.1');
  });
});

describe('a pick', () => {
  const names = Object.keys(policies) as PolicyName[];

  it.each(names)('by %s is explained, and the same for the same seed', (name) => {
    const policy = name === 'function' ? () => null : name;
    const about = ask({ policy }, { seed: 5 });
    expect(about.pick!.how.length).toBeGreaterThan(10);
    expect(about.connect).toHaveLength(1);
    expect(ask({ policy }, { seed: 5 })).toEqual(about);
  });

  it('by chance has another seed, and another pick', () => {
    const picks = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => ask({ policy: 'random' }, { seed }));
    expect(new Set(picks.map(({ log }) => log.backend)).size).toBeGreaterThan(1);
    expect(picks[3].pick!.how).toBe('drawn by weight from seed 4');
  });

  it('says whom it considered, and the better of them is it', () => {
    const busy = [{ pool: 'default', backend: 'a', requests: 5 }];
    for (let seed = 0; seed < 20; seed++) {
      const { pick, log } = ask({ policy: 'least_request' }, { seed, busy });
      const considered = pick!.candidates.filter(({ backend }) =>
        pick!.considered.includes(backend),
      );
      expect(considered).toHaveLength(2);
      const least = Math.min(...considered.map(({ score }) => score!));
      expect(considered.find(({ backend }) => backend === log.backend)!.score).toBe(least);
      expect(pick!.how).toContain(`of ${pick!.considered.join(' and ')}, drawn`);
    }
  });

  it.each(['maglev', 'ring_hash', 'rendezvous'])(
    'by %s goes elsewhere without its backend',
    (policy) => {
      const value = { policy, hash_key: 'header:x-user', health_check: { path: '/' } };
      const headers = ['X-User: 7'];
      const { pick, log } = ask(value, { headers });
      expect(pick!.key).toMatchObject({ by: 'header:x-user', value: '7' });
      const without = ask(value, { headers, down: down(log.backend!) });
      expect(pick!.otherwise).toBe(without.log.backend);
      expect(without.log.backend).not.toBe(log.backend);
      // Without a key there are turns.
      expect(ask(value).pick).toMatchObject({ key: { value: null, hash: null }, otherwise: null });
    },
  );

  it('by a function is what that answers to this request', () => {
    const toHeader: PolicyFunction = (candidates, { header }) =>
      candidates.find(({ name }) => name === header('x-to'));
    const { pick, log } = ask({ policy: toHeader }, { headers: ['X-To: c'] });
    expect(log).toMatchObject({ status: 200, backend: 'c' });
    expect(pick!.policy).toBe('function toHeader');
    expect(pick!.how).toBe('what it answered');
  });

  it('by a function that is of no use says why, and whose turn it is', () => {
    const turn = 'so it is turn 1 of 3, in the order of the file';
    const how = (policy: unknown) => ask({ policy }).pick!.how;
    const boom = () => {
      throw new Error('boom');
    };
    expect(how(boom)).toBe(`it threw Error: boom; ${turn}`);
    expect(how(() => 'b')).toBe(
      `it answered a string; it must be one of the candidates, or null; ${turn}`,
    );
    expect(how(() => Promise.resolve(null))).toMatch(
      /^it answered a promise; .*; so it is turn 1 of 3/,
    );
    expect(how(() => null)).toBe(`it chose nobody; ${turn}`);
    expect(how((candidates: unknown[]) => candidates[0])).toBe('what it answered');
  });

  it('by a function that fails for the first attempt alone says so', () => {
    const policy: PolicyFunction = (candidates, { attempt }) => {
      if (attempt === 1) throw new Error('boom');
      return candidates[0];
    };
    const { pick, log } = ask({ policy }, { down: down('a') });
    expect(log.attempts).toBe(2);
    expect(pick!.how).toMatch(/^it threw Error: boom; so it is turn 1 of 3/);
  });

  it('says whose a key was when it was picked, also if that one then refuses', () => {
    const calm = ask({ policy: 'maglev' });
    const owner = calm.pick!.key!.owner!;
    const { pick, connect, log } = ask({ policy: 'maglev' }, { down: down(owner) });
    expect([connect[0].backend, log.attempts]).toEqual([owner, 2]);
    expect(pick!.key).toEqual(calm.pick!.key);
    expect(pick!.otherwise).toBe(log.backend);
  });

  it('says whose a key is, also while its owner has too much to do', () => {
    const value = { policy: 'maglev', bounded_load: 1.25 };
    const { log, pick } = ask(value);
    expect(pick!.key!.owner).toBe(log.backend);
    const busy = [{ pool: 'default', backend: log.backend!, requests: 9 }];
    const elsewhere = ask(value, { busy });
    expect(elsewhere.pick!.key).toEqual(pick!.key);
    expect(elsewhere.log.backend).not.toBe(log.backend);
  });

  it('says of sessions that are remembered that it knows none', () => {
    const { pick } = ask({ sticky: { header: 'X-Session' } }, { headers: ['X-Session: a'] });
    expect(pick).toMatchObject({ sticky: null, remembered: 'header:x-session' });
  });

  it('goes home by the cookie that the answer before has set', () => {
    const sticky = { sticky: { cookie: 'lb' } };
    const first = ask(sticky);
    const { set } = first.pick!.sticky!;
    const cookie = set!.slice(0, set!.indexOf(';'));
    const again = ask(sticky, { headers: [`Cookie: ${cookie}`] });
    expect(again.pick!.sticky).toEqual({ cookie: 'lb', home: first.log.backend, set: null });
    expect(again.pick!.how).toBe('where the client was before, by its cookie');
    expect(again.relay!.head.join()).not.toContain('Cookie');
  });
});
