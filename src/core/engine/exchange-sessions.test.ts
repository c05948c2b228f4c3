/** Sessions that stay on their backends by what clients and backends say themselves. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  type Raw,
  type RawBackend,
  Stage,
} from '../../../test/engine-stage/engine-stage.ts';
import type { StickySessionsConfig } from '../config.ts';
import { State } from '../table/table.ts';

const SESSIONS: StickySessionsConfig = {
  kind: 'sessions',
  key: { kind: 'header', name: 'x-session' },
  learn: false,
  idleMs: 60_000,
  sessions: 100,
  drain: false,
};
const COOKIE: Partial<StickySessionsConfig> = { key: { kind: 'cookie', name: 'sid' }, learn: true };

interface Act {
  readonly stage: Stage;
  /** The backend `server-1`. */
  readonly first: RawBackend;
}

function onStage(changes: Partial<StickySessionsConfig> = {}): Act {
  const sticky: StickySessionsConfig = { ...SESSIONS, ...changes };
  const stage = new Stage({ backends: 3, pool: { sticky } });
  const [first] = [1, 2, 3].map((number) => stage.backend(number).answering());
  return { stage, first };
}

const asked = (stage: Stage, fields: string): Raw => stage.ask(get('/', `${fields}\r\n`), 10);

/** Who answers a request with these fields. */
function whose(stage: Stage, fields: string): string | null {
  asked(stage, fields);
  return stage.records.at(-1)!.backend;
}

function take(stage: Stage, number: number, state: State): void {
  stage.table.setState(stage.backends[number - 1].slot, state);
  stage.refresh();
}

describe('requests with the same header', () => {
  it('stay together, and others go in turn', () => {
    const { stage } = onStage();
    const names = ['a', 'b', 'c'].map((value) => whose(stage, `X-Session: ${value}`));
    expect(names).toEqual(['server-1', 'server-2', 'server-3']);
    for (let n = 0; n < 4; n++) {
      expect(whose(stage, 'X-Session: b')).toBe('server-2');
      expect(whose(stage, 'Other: x')).toBe(names[n % 3]);
    }
    expect(stage.leftovers()).toBe('');
  });

  it.each([
    ['is down', State.down],
    ['is a suspect', State.suspect],
    ['drains', State.draining],
  ])('move when their backend %s, and stay where they are then', (_, state) => {
    const { stage } = onStage();
    expect(whose(stage, 'X-Session: a')).toBe('server-1');
    take(stage, 1, state);
    const name = whose(stage, 'X-Session: a');
    expect(name).not.toBe('server-1');
    take(stage, 1, State.up);
    for (let n = 0; n < 4; n++) expect(whose(stage, 'X-Session: a')).toBe(name);
  });

  it('move within an exchange whose backend refuses, to who answers it', () => {
    const { stage, first } = onStage();
    expect(whose(stage, 'X-Session: a')).toBe('server-1');
    stage.network.kill(first.address);
    asked(stage, 'X-Session: a');
    const { backend, attempts } = stage.records.at(-1)!;
    expect(attempts).toBe(2);
    expect(whose(stage, 'X-Session: a')).toBe(backend);
  });

  it('stay with a backend that drains, if so configured', () => {
    const { stage } = onStage({ drain: true });
    const { slot } = stage.backends[0];
    whose(stage, 'X-Session: a');
    stage.table.setKeeps(slot, true);
    take(stage, 1, State.draining);
    expect(whose(stage, 'X-Session: a')).toBe('server-1');
    expect(whose(stage, 'X-Session: b')).not.toBe('server-1');
    stage.table.setKeeps(slot, false);
    expect(whose(stage, 'X-Session: a')).not.toBe('server-1');
  });

  it('are forgotten after their idle time', () => {
    const { stage } = onStage();
    expect(whose(stage, 'X-Session: a')).toBe('server-1');
    stage.pass(62_000);
    expect(whose(stage, 'X-Session: a')).toBe('server-2');
  });

  it('stay over a reload, also of the idle time, but not of the header', () => {
    const { stage } = onStage();
    expect(whose(stage, 'X-Session: a')).toBe('server-1');
    const [pool] = stage.config.pools;
    const reload = (changes: Partial<StickySessionsConfig>): void => {
      const sticky = { ...SESSIONS, ...changes };
      stage.configure({ ...stage.config, pools: [{ ...pool, sticky }] }, () =>
        [...stage.backends].reverse(),
      );
    };
    reload({ idleMs: 1_000_000 });
    expect(whose(stage, 'X-Session: a')).toBe('server-1');
    reload({ key: { kind: 'header', name: 'x-other' } });
    expect(whose(stage, 'X-Session: a')).not.toBe('server-1');
  });
});

describe('a session that a backend makes', () => {
  it('is found there again, and nothing is taken from requests or put into answers', () => {
    const { stage, first } = onStage(COOKIE);
    first.answering(ok('', 'Set-Cookie: sid=s1; HttpOnly\r\n'));
    const heads: string[] = [];
    const { received } = asked(stage, 'Cookie: a=1');
    expect(received.match(/Set-Cookie/g)).toHaveLength(1);
    first.onHead = (head, raw) => {
      heads.push(head);
      raw.send(ok());
    };
    for (let n = 0; n < 3; n++) expect(whose(stage, 'Cookie: a=1; sid=s1')).toBe('server-1');
    expect(heads[0]).toContain('\r\nCookie: a=1; sid=s1\r\n');
  });

  it('moves with its name when its backend goes, and another one knows it', () => {
    const { stage, first } = onStage(COOKIE);
    first.answering(ok('', 'Set-Cookie: sid=s1\r\n'));
    asked(stage, 'A: b');
    take(stage, 1, State.down);
    const name = whose(stage, 'Cookie: sid=s1');
    take(stage, 1, State.up);
    expect(name).not.toBe('server-1');
    expect(whose(stage, 'Cookie: sid=s1')).toBe(name);
  });
});
