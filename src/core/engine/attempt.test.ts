import { describe, expect, it } from 'vitest';
import { get, ok, post, type Raw, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { passiveHealth } from '../../../test/fixtures/control-world.ts';

const SLOT = 0;

describe('an attempt', () => {
  it('is in flight at its backend until it is answered whole', () => {
    const stage = new Stage();
    const backend = stage.backend();
    const client = stage.ask(get());
    expect(stage.table.inFlight(SLOT)).toBe(1);
    const whole = ok('0123456789');
    backend.last.send(whole.slice(0, -5));
    stage.pass(1);
    expect(stage.table.inFlight(SLOT)).toBe(1);
    backend.last.send(whole.slice(-5));
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.table.inFlight(SLOT)).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('that its client leaves is no failure of the backend', () => {
    const stage = new Stage({ pool: { passiveHealth: passiveHealth() } });
    const backend = stage.backend();
    const client = stage.ask(get());
    client.socket.reset();
    stage.pass(1);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.table.streaks.at(SLOT)).toBe(0);
    expect(stage.table.inFlight(SLOT)).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('that is cut by a drain ends as that says', () => {
    const stage = new Stage();
    stage.backend();
    const client = stage.ask(get());
    stage.engine.cut(stage.backends[0], 'exchanges');
    stage.pass(1);
    expect(client.statuses).toEqual([503]);
    expect(stage.record.failure).toMatchObject({ kind: 'stopping', side: 'us' });
    expect(stage.leftovers()).toBe('');
  });

  it('to a name without an address fails a turn later, and only if it is still the same', () => {
    const stage = new Stage();
    stage.backends[0].addresses = [];
    const client = stage.client().send(get());
    stage.pass(2);
    expect(client.statuses).toEqual([503]);
    expect(stage.record).toMatchObject({ attempts: 1 });
    expect(stage.leftovers()).toBe('');
  });
});

describe('an attempt whose backend a probe takes down', () => {
  const put = (body: string): string => post(body).replace('POST', 'PUT');

  /** It is asked, of so many backends none of which has answered yet. */
  function waiting(backends: number, request: string): { stage: Stage; client: Raw; asked: Raw } {
    const stage = new Stage({ backends });
    const raws = Array.from({ length: backends }, (_, index) => stage.backend(index + 1));
    return { stage, client: stage.ask(request, 20), asked: raws[0].last };
  }

  function expectItsAnswer({ stage, client, asked }: ReturnType<typeof waiting>): void {
    expect(client.received).toBe('');
    asked.send(ok());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(stage.record).toMatchObject({ backend: 'server-1', failure: null });
    expect(stage.leftovers()).toBe('');
  }

  it('waits on with a body that is too long to be sent again', () => {
    const scene = waiting(2, put('x'.repeat(64 * 1024 + 1)));
    scene.stage.takeDown(1);
    expectItsAnswer(scene);
  });

  it('waits on when the memory in which its request was kept has been given back', () => {
    const scene = waiting(2, put('hello'));
    for (const holder of scene.stage.engine.holders()) holder.giveSpare();
    scene.stage.takeDown(1);
    expectItsAnswer(scene);
  });

  it('waits on in a pool of one', () => {
    const scene = waiting(1, get());
    scene.stage.takeDown(1);
    expectItsAnswer(scene);
  });

  it('waits on when the others are down as well', () => {
    const scene = waiting(2, get());
    for (const number of [2, 1]) scene.stage.takeDown(number);
    expectItsAnswer(scene);
  });

  it('waits on in a pool that goes on with backends that are down, if there is no other', () => {
    const stage = new Stage({ pool: { panic: true } });
    const backend = stage.backend();
    const scene = { stage, client: stage.ask(get()), asked: backend.last };
    stage.takeDown(1);
    expectItsAnswer(scene);
  });

  it('waits on when it is a second one, as there is no third', () => {
    const stage = new Stage({ backends: 3 });
    const [first, second] = [1, 2, 3].map((number) => stage.backend(number));
    first.onHead = (_head, connection) => connection.socket.reset();
    const client = stage.ask(get());
    stage.takeDown(2);
    expect(client.received).toBe('');
    second.last.send(ok());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(stage.record).toMatchObject({ attempts: 2, backend: 'server-2' });
    expect(stage.leftovers()).toBe('');
  });
});
