import { describe, expect, it } from 'vitest';
import { get, ok, Stage } from '../../../test/engine-stage/engine-stage.ts';
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
