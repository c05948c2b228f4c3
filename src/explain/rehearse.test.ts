import { describe, expect, it } from 'vitest';
import { backendConfig, config, poolConfig } from '../../test/fixtures/control-world.ts';
import { latin1 } from '../core/base/bytes.ts';
import { type Question, Stage } from './rehearse.ts';

const pool = poolConfig([backendConfig(1), backendConfig(2), backendConfig(3)]);

const question = (changes: Partial<Question> = {}): Question => {
  const asked = config([pool]);
  return {
    config: asked,
    listener: asked.listeners[0],
    bytes: latin1('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    from: '192.0.2.1',
    seed: 1,
    down: [],
    drained: [],
    busy: [],
    ...changes,
  };
};

const named = (backend: string) => ({ pool: 'default', backend });

describe('a rehearsal', () => {
  it('begins when the states are as they were asked for', () => {
    const busy = [{ ...named('server-3'), requests: 4 }];
    const about = { down: [named('server-1')], drained: [named('server-2')], busy };
    const [{ backends }] = new Stage(question(about)).status();
    expect(backends.map(({ state, inFlight }) => `${state} ${inFlight}`)).toEqual([
      'down 0',
      'draining 0',
      'up 4',
    ]);
  });

  it('sends the request as often as it is asked, each by the real engine', () => {
    const stage = new Stage(question());
    const picks = [1, 2, 3, 4].map(() => stage.ask(null).record!.backend);
    expect(picks).toEqual(['server-1', 'server-2', 'server-3', 'server-1']);
    expect(stage.heads.map(([first]) => first)).toEqual(new Array(4).fill('POST /x HTTP/1.1'));
  });

  it('hands over what the client got', () => {
    const { answer } = new Stage(question()).ask(null);
    expect(answer.head[0]).toBe('HTTP/1.1 200 OK');
  });
});
