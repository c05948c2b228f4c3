/** Clients that stay on their backends by a cookie of ours. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  type Raw,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig } from '../../../test/fixtures/control-world.ts';
import type { QueueConfig, StickyCookieConfig } from '../config.ts';
import { State } from '../table/table.ts';

const STICKY: StickyCookieConfig = {
  kind: 'cookie',
  cookie: 'lb',
  maxAgeMs: null,
  secret: null,
  drain: false,
};

interface Act {
  readonly stage: Stage;
  readonly backends: readonly RawBackend[];
}

/** Three backends that answer, in a pool that is sticky. */
function onStage(sticky: Partial<StickyCookieConfig> = {}, options: StageOptions = {}): Act {
  const pool = { sticky: { ...STICKY, ...sticky }, ...options.pool };
  const stage = new Stage({ backends: 3, ...options, pool });
  const backends = [1, 2, 3].map((number) => stage.backend(number).answering());
  return { stage, backends };
}

/** What the answer sets, without its attributes; null: nothing. */
const cookieIn = (client: Raw): string | null =>
  /\r\nSet-Cookie: (lb=[0-9a-f]+); Path=/.exec(client.received)?.[1] ?? null;

const asked = (stage: Stage, cookie: string, path = '/'): Raw =>
  stage.ask(get(path, `Cookie: ${cookie}\r\n`), 10);

const whose = (stage: Stage): string | null => stage.records.at(-1)!.backend;

/** Everybody who is asked in turn, with the cookie each has set. */
function allCookies(stage: Stage): Map<string, string> {
  const all = new Map<string, string>();
  for (let n = 0; n < 3; n++) {
    const client = stage.ask(get(), 10);
    all.set(whose(stage)!, cookieIn(client)!);
  }
  return all;
}

/** Keeps the heads that come, and answers. */
const recordInto =
  (heads: string[]): RawBackend['onHead'] =>
  (head, raw) => {
    heads.push(head);
    raw.send(ok());
  };

function take(stage: Stage, number: number, state: State): void {
  stage.table.setState(stage.backends[number - 1].slot, state);
  stage.refresh();
}

describe('a client', () => {
  it('stays where it was first, and gets the cookie once', () => {
    const { stage } = onStage();
    const all = allCookies(stage);
    expect([...all.keys()]).toEqual(['server-1', 'server-2', 'server-3']);
    expect(new Set(all.values()).size).toBe(3);
    for (const [name, cookie] of all) {
      for (let n = 0; n < 3; n++) {
        const client = asked(stage, cookie);
        expect([whose(stage), client.statuses, cookieIn(client)]).toEqual([name, [200], null]);
      }
    }
    expect(stage.leftovers()).toBe('');
  });

  it.each([
    ['is down', State.down],
    ['is a suspect', State.suspect],
    ['drains', State.draining],
  ])('moves when its backend %s, and stays where it is then', (_, state) => {
    const { stage } = onStage();
    const old = cookieIn(stage.ask(get(), 10))!;
    take(stage, 1, state);
    const moved = cookieIn(asked(stage, old))!;
    const name = whose(stage);
    expect(moved).not.toBe(old);
    expect(name).not.toBe('server-1');
    take(stage, 1, State.up);
    expect(cookieIn(asked(stage, moved))).toBe(null);
    expect(whose(stage)).toBe(name);
  });

  it('moves when its backend refuses, within the same exchange', () => {
    const stage = new Stage({ backends: 2, pool: { sticky: STICKY } });
    const first = stage.backend(1).answering();
    const old = cookieIn(stage.ask(get(), 10))!;
    stage.backend(2).answering();
    stage.network.kill(first.address);
    const client = asked(stage, old);
    expect(client.statuses).toEqual([200]);
    expect(stage.records.at(-1)).toMatchObject({ backend: 'server-2', attempts: 2 });
    const moved = cookieIn(client)!;
    first.answering();
    expect(moved).not.toBe(old);
    asked(stage, moved);
    expect(whose(stage)).toBe('server-2');
  });

  it('moves when its backend breaks off, and the answer comes from another', () => {
    const { stage, backends } = onStage();
    const old = cookieIn(stage.ask(get(), 10))!;
    backends[0].onHead = (_head, raw) => raw.socket.reset();
    const client = asked(stage, old);
    expect(client.statuses).toEqual([200]);
    expect(whose(stage)).not.toBe('server-1');
    expect(cookieIn(client)).not.toBe(null);
  });

  it.each(['round_robin', 'random', 'least_connections', 'peak_ewma', 'maglev'] as const)(
    'stays with policy %s too',
    (policy) => {
      const { stage } = onStage({}, { pool: { policy } });
      const cookie = cookieIn(stage.ask(get(), 10))!;
      const name = whose(stage);
      for (let n = 0; n < 8; n++) {
        asked(stage, cookie);
        expect(whose(stage)).toBe(name);
        stage.ask(get(), 10);
      }
    },
  );

  it('without a cookie goes where the policy says, and takes nobody else along', () => {
    const { stage } = onStage();
    const cookie = cookieIn(stage.ask(get(), 10))!;
    asked(stage, cookie);
    asked(stage, cookie);
    stage.ask(get(), 10);
    expect(whose(stage)).toBe('server-2');
  });

  it('stays through a reload that changes slots, weights and order', () => {
    const { stage } = onStage();
    const cookie = allCookies(stage).get('server-2')!;
    const [pool] = stage.config.pools;
    const changed = { ...pool, backends: [...pool.backends].reverse() };
    stage.configure({ ...stage.config, pools: [changed] }, () => [...stage.backends].reverse());
    expect(cookieIn(asked(stage, cookie))).toBe(null);
    expect(whose(stage)).toBe('server-2');
  });

  it('is free again when a reload takes stickiness away', () => {
    const { stage, backends } = onStage();
    const cookie = cookieIn(stage.ask(get(), 10))!;
    const [pool] = stage.config.pools;
    stage.configure({ ...stage.config, pools: [{ ...pool, sticky: null }] });
    const heads: string[] = [];
    backends[1].onHead = recordInto(heads);
    expect(cookieIn(asked(stage, cookie))).toBe(null);
    expect(whose(stage)).toBe('server-2');
    expect(heads[0]).toContain(`Cookie: ${cookie}\r\n`);
  });

  it('gets the cookie of nobody when its backend leaves the pool before it has answered', () => {
    const { stage, backends } = onStage();
    backends[0].onHead = () => {};
    const client = stage.ask(get(), 10);
    stage.configure(stage.config, () => stage.backends.slice(1));
    backends[0].last.send(ok());
    stage.pass(5);
    expect([client.statuses, cookieIn(client)]).toEqual([[200], null]);
  });
});

describe('a client whose backend has no room', () => {
  const limited = (queue: QueueConfig = { size: 1000, timeoutMs: 10_000, order: 'fifo' }): Act => {
    const backends = [1, 2, 3].map((number) => backendConfig(number, { maxRequests: 1 }));
    return onStage({}, { pool: { backends, queue } });
  };

  it('waits for it, and holds up nobody who goes elsewhere', () => {
    const { stage, backends } = limited();
    const cookie = cookieIn(stage.ask(get(), 10))!;
    backends[0].onHead = () => {};
    asked(stage, cookie);
    const waiting = asked(stage, cookie);
    const others = [stage.ask(get(), 20), stage.ask(get(), 20)];
    expect(others.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
    expect(waiting.statuses).toEqual([]);
    backends[0].answering();
    backends[0].last.send(ok());
    stage.pass(20);
    expect([waiting.statuses, cookieIn(waiting)]).toEqual([[200], null]);
    expect(whose(stage)).toBe('server-1');
  });

  it('keeps nobody out who goes elsewhere, however many wait for it', () => {
    const { stage, backends } = limited({ size: 2, timeoutMs: 10_000, order: 'fifo' });
    const cookie = cookieIn(stage.ask(get(), 10))!;
    backends[0].onHead = () => {};
    const [, ...waiting] = [1, 2, 3].map(() => asked(stage, cookie));
    const other = stage.ask(get(), 20);
    expect(other.statuses).toEqual([200]);
    expect(asked(stage, cookie).statuses).toEqual([503]);
    expect(stage.records.at(-1)!.failure?.cause).toMatch(/and 2 requests wait already$/);
    backends[0].answering();
    backends[0].last.send(ok());
    stage.pass(20);
    expect(waiting.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
    expect(stage.leftovers()).toBe('');
  });

  it('moves when that goes down meanwhile', () => {
    const { stage, backends } = limited();
    const cookie = cookieIn(stage.ask(get(), 10))!;
    backends[0].onHead = () => {};
    asked(stage, cookie);
    const waiting = asked(stage, cookie);
    take(stage, 1, State.down);
    stage.pass(20);
    expect(waiting.statuses).toEqual([200]);
    expect(cookieIn(waiting)).not.toBe(null);
  });
});

describe('a backend', () => {
  it('sees all cookies but ours, as they came', () => {
    const { stage, backends } = onStage();
    const cookie = cookieIn(stage.ask(get(), 10))!;
    const heads: string[] = [];
    backends[0].onHead = recordInto(heads);
    asked(stage, `a="1"; ${cookie};b=2; lb=forged`);
    asked(stage, cookie);
    expect(heads[0]).toContain('\r\nCookie: a="1";b=2\r\n');
    expect(heads[1]).not.toMatch(/cookie/i);
  });

  it('sees them on a retry as well', () => {
    const { stage, backends } = onStage();
    const cookie = cookieIn(stage.ask(get(), 10))!;
    backends[0].onHead = (_head, raw) => raw.socket.reset();
    const heads: string[] = [];
    for (const other of backends.slice(1)) {
      other.onHead = recordInto(heads);
    }
    asked(stage, `${cookie}; a=1`);
    expect(heads.length).toBe(1);
    expect(heads[0]).toContain('\r\nCookie: a=1\r\n');
  });

  it('keeps the clients it has while it drains, if so configured, and gets no new ones', () => {
    const { stage } = onStage({ drain: true });
    const { slot } = stage.backends[0];
    const cookie = cookieIn(stage.ask(get(), 10))!;
    stage.table.setKeeps(slot, true);
    take(stage, 1, State.draining);
    expect(cookieIn(asked(stage, cookie))).toBe(null);
    expect(whose(stage)).toBe('server-1');
    for (let n = 0; n < 4; n++) {
      stage.ask(get(), 10);
      expect(whose(stage)).not.toBe('server-1');
    }
    stage.table.setKeeps(slot, false);
    expect(cookieIn(asked(stage, cookie))).not.toBe(null);
    expect(stage.table.inFlight(slot)).toBe(0);
  });
});

describe('the cookie', () => {
  const LINE = /\r\nSet-Cookie: lb=[0-9a-f]{16}; Path=\/; HttpOnly; SameSite=Lax\r\n/;

  it.each([
    ['a HEAD', 'HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n', ok('')],
    ['a 304', get(), 'HTTP/1.1 304 Not Modified\r\n\r\n'],
    ['a 404', get(), 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', ok()],
    ['a body in chunks', get(), 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('comes with the answer to %s', (_, request, answer) => {
    const { stage, backends } = onStage();
    backends[0].answering(answer);
    const client = stage.ask(request, 10);
    expect(client.received).toMatch(LINE);
    expect(client.received).toContain('\r\nCache-Control: private\r\n');
  });

  it('comes with a 101, and with no interim response', () => {
    const { stage, backends } = onStage();
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const upgrade = 'Connection: Upgrade\r\nUpgrade: echo\r\n';
    backends[0].answering(`${hints}HTTP/1.1 101 Switching\r\n${upgrade}\r\n`);
    const client = stage.ask(get('/', upgrade), 10);
    expect(client.statuses).toEqual([103, 101]);
    expect(client.received.startsWith(hints)).toBe(true);
    expect(client.received).toMatch(LINE);
    const cookie = cookieIn(client)!;
    asked(stage, cookie);
    expect(client.received.match(/Set-Cookie/g)?.length).toBe(1);
  });

  it('leaves those of the application alone', () => {
    const { stage, backends } = onStage();
    backends[0].answering(ok('', 'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n'));
    const { received } = stage.ask(get(), 10);
    expect(received).toContain('\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n');
    expect(received).toMatch(LINE);
  });

  it('comes with no answer of our own', () => {
    const stage = new Stage({ pool: { sticky: STICKY } });
    const client = stage.ask(get(), 10);
    expect([client.statuses, cookieIn(client)]).toEqual([[503], null]);
  });

  it.each([
    ['of a trusted proxy', ['192.0.2.1'], 'https', true],
    ['of a trusted proxy before others', ['192.0.2.1'], 'HTTPS, http', true],
    ['of a trusted proxy that says http', ['192.0.2.1'], 'http', false],
    ['of a stranger', [], 'https', false],
  ])('is secure when the client came by https, by the word %s', (_, trusted, proto, secure) => {
    const { stage } = onStage({}, { config: { trustedProxies: trusted } });
    const client = stage.ask(get('/', `X-Forwarded-Proto: ${proto}\r\n`), 10);
    expect(client.received.includes('; Secure\r\n')).toBe(secure);
    expect(cookieIn(client)).not.toBe(null);
  });
});
