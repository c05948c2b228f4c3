import { describe, expect, it, vi } from 'vitest';
import { get, ok, type Raw, Stage } from '../../../test/engine-stage/engine-stage.ts';

const limited = (most: number | null): Stage =>
  new Stage({
    limits: { maxConnectionsPerClient: most },
    config: { trustedProxies: ['192.0.2.9'] },
  });

const clients = (stage: Stage, count: number, address?: string): Raw[] =>
  Array.from({ length: count }, () => stage.client(address));

const reset = (raws: readonly Raw[]): boolean[] => raws.map(({ wasReset }) => wasReset);

function relimit(stage: Stage, most: number | null): void {
  const limits = { ...stage.config.limits, maxConnectionsPerClient: most };
  stage.configure({ ...stage.config, limits });
}

describe('the connections of a client', () => {
  it('are as many as it may have; more are reset, and the log says so once a second', () => {
    const stage = limited(2);
    expect(reset(clients(stage, 5))).toEqual([false, false, true, true, true]);
    expect(reset(clients(stage, 2, '192.0.2.2'))).toEqual([false, false]);
    expect(stage.events).toEqual([]);
    stage.pass(1100);
    expect(stage.events).toEqual(['clients_turned_away']);
    expect(stage.leftovers()).toBe('');
  });

  it('may be others when one has closed, whoever closed it', () => {
    const stage = limited(2);
    stage.backend().answering(ok());
    const [first, second] = clients(stage, 2);
    expect(reset(clients(stage, 1))).toEqual([true]);
    first.socket.close();
    stage.pass(2);
    expect(reset(clients(stage, 2))).toEqual([false, true]);
    second.send(get('/', 'Connection: close\r\n'));
    stage.pass(2);
    second.socket.close();
    stage.pass(2);
    expect(reset(clients(stage, 2))).toEqual([false, true]);
    // The deadline of a request's head closes the others.
    stage.pass(20_000);
    expect(reset(clients(stage, 3))).toEqual([false, false, true]);
  });

  it('are those of its /64 together', () => {
    const stage = limited(1);
    expect(reset(clients(stage, 1, '2001:db8::1'))).toEqual([false]);
    expect(reset(clients(stage, 1, '2001:db8::2:1'))).toEqual([true]);
    expect(reset(clients(stage, 1, '2001:db8:0:1::1'))).toEqual([false]);
  });

  it('are not counted through a trusted proxy, nor without a limit', () => {
    expect(reset(clients(limited(1), 3, '192.0.2.9'))).toEqual([false, false, false]);
    expect(reset(clients(limited(null), 3))).toEqual([false, false, false]);
  });

  it('are let go when there is no room for any client', () => {
    const stage = new Stage({ limits: { maxConnectionsPerClient: 1, maxConnections: 1 } });
    stage.backend();
    const busy = stage.ask(get());
    expect(reset(clients(stage, 2, '192.0.2.2'))).toEqual([true, true]);
    busy.socket.reset();
    stage.pass(2);
    expect(reset(clients(stage, 1, '192.0.2.2'))).toEqual([false]);
  });
});

describe('a reload', () => {
  it('counts those who are there already, and closes none of them', () => {
    const stage = limited(null);
    const before = clients(stage, 3);
    relimit(stage, 2);
    expect(reset(clients(stage, 1))).toEqual([true]);
    expect(reset(before)).toEqual([false, false, false]);
    for (const raw of before.slice(0, 2)) raw.socket.close();
    stage.pass(2);
    expect(reset(clients(stage, 2))).toEqual([false, true]);
  });

  it('counts on with another limit, and counts once', () => {
    const stage = limited(2);
    clients(stage, 1);
    relimit(stage, 3);
    relimit(stage, 3);
    expect(reset(clients(stage, 3))).toEqual([false, false, true]);
  });

  it('may take the limit away, and bring it back', () => {
    const stage = limited(1);
    const [first] = clients(stage, 1);
    relimit(stage, null);
    const [second] = clients(stage, 1);
    first.socket.close();
    stage.pass(2);
    relimit(stage, 1);
    expect(reset(clients(stage, 1))).toEqual([true]);
    second.socket.close();
    stage.pass(2);
    expect(reset(clients(stage, 2))).toEqual([false, true]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the notice of clients that were turned away', () => {
  it('says how many they were in that second', () => {
    const stage = limited(1);
    const said = vi.spyOn(stage.engine.log, 'event');
    clients(stage, 1);
    for (const count of [3, 2]) {
      for (let n = 0; n < count; n++) {
        clients(stage, 1);
        stage.pass(300);
      }
      stage.pass(1000);
    }
    expect(said.mock.calls.map(([, , , fields]) => fields)).toEqual([
      { connections: 3, limit: 1, client: '192.0.2.1' },
      { connections: 2, limit: 1, client: '192.0.2.1' },
    ]);
  });
});
