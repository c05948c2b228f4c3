/** `hedge` (docs/retries.md); attempts one after the other: exchange-retries*.test.ts. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';
import {
  backendConfig,
  passiveHealth,
  retriesConfig,
} from '../../../test/fixtures/control-world.ts';
import type { PoolConfig } from '../config.ts';
import { State } from '../table/table.ts';

const bad = 'HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno';

interface Scene {
  readonly stage: Stage;
  readonly backends: RawBackend[];
}

/** Backends that answer so, one each; null: it says nothing. Hedged after 50 ms. */
function sceneOf(
  answers: readonly (string | null)[],
  pool: Partial<PoolConfig> = {},
  options: StageOptions = {},
): Scene {
  const stage = new Stage({
    backends: answers.length,
    ...options,
    pool: { hedge: { afterMs: 50, quantile: null }, ...pool },
  });
  const backends = answers.map((answer, index) => {
    const backend = stage.backend(index + 1);
    return answer === null ? backend : backend.answering(answer);
  });
  return { stage, backends };
}

const heads = ({ backends }: Scene): number[] =>
  backends.map(({ connections }) =>
    connections.reduce((sum, { received }) => sum + received.split('\r\nHost:').length - 1, 0),
  );

const inFlight = ({ stage }: Scene): number[] =>
  stage.backends.map(({ slot }) => stage.table.inFlight(slot));

describe('a second attempt', () => {
  it('begins when the first has had its time, and wins if it is answered first', () => {
    const scene = sceneOf([null, ok('good')], { passiveHealth: passiveHealth() });
    const { stage, backends } = scene;
    const client = stage.ask(get(), 45);
    expect(heads(scene)).toEqual([1, 0]);
    stage.pass(20);
    expect(client.statuses).toEqual([200]);
    expect(client.received.endsWith('good')).toBe(true);
    expect(backends[0].last.wasReset).toBe(true);
    expect(inFlight(scene)).toEqual([0, 0]);
    expect(stage.record).toMatchObject({
      attempts: 2,
      hedged: true,
      backend: 'server-2',
      status: 200,
      failure: null,
    });
    // Who was called off has not failed.
    expect(stage.table.streaks.at(0)).toBe(0);
    expect(stage.leftovers()).toBe('');
  });

  it('is called off when the first is answered before it', () => {
    const scene = sceneOf([null, null]);
    const { stage, backends } = scene;
    const client = stage.ask(get(), 70);
    expect(inFlight(scene)).toEqual([1, 1]);
    backends[0].last.send(ok('first'));
    stage.pass(1);
    expect(client.received.endsWith('first')).toBe(true);
    expect(backends[1].last.wasReset).toBe(true);
    expect(inFlight(scene)).toEqual([0, 0]);
    expect(stage.record).toMatchObject({ attempts: 2, hedged: true, backend: 'server-1' });
    expect(stage.leftovers()).toBe('');
  });

  it('keeps the connection of the winner, and the next exchange goes on with it', () => {
    const scene = sceneOf([null, ok()]);
    scene.stage.ask(get(), 70);
    scene.backends[0].answering(ok());
    for (let i = 0; i < 4; i++) expect(scene.stage.ask(get(), 5).statuses).toEqual([200]);
    expect(scene.backends[1].connections).toHaveLength(1);
    expect(scene.stage.records.slice(1).map(({ hedged }) => hedged)).toEqual(Array(4).fill(false));
    expect(scene.stage.leftovers()).toBe('');
  });

  it('does not begin where the first is answered in time', () => {
    const scene = sceneOf([ok(), ok()]);
    scene.stage.ask(get(), 200);
    expect(scene.stage.record).toMatchObject({ attempts: 1, hedged: false });
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('does not begin once bytes of an answer have come', () => {
    const scene = sceneOf([null, ok()]);
    scene.stage.ask(get(), 20);
    scene.backends[0].last.send('HTTP/1.1 20');
    scene.stage.pass(100);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('begins also where the first has no connection yet', () => {
    const scene = sceneOf([null, ok()]);
    scene.stage.network.blackHole('10.0.0.1');
    expect(scene.stage.ask(get(), 70).statuses).toEqual([200]);
    expect(scene.stage.record).toMatchObject({ hedged: true, backend: 'server-2' });
    expect(scene.stage.leftovers()).toBe('');
  });

  it.each([
    ['a POST', post('hello')],
    ['an upgrade', get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')],
    ['a body that is not whole', post('hello').replace('POST', 'PUT').slice(0, -1)],
    ['a body longer than what is kept', post('x'.repeat(65_537)).replace('POST', 'PUT')],
  ])('is none for %s', (_what, request) => {
    const scene = sceneOf([null, ok()]);
    scene.stage.ask(request, 200);
    expect(heads(scene)).toEqual([1, 0]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('gets the whole body, and its time begins when that is here', () => {
    const scene = sceneOf([null, null]);
    const whole = post('0123456789').replace('POST', 'PUT');
    const client = scene.stage.ask(whole.slice(0, -5), 200);
    client.send(whole.slice(-5));
    scene.stage.pass(40);
    expect(heads(scene)).toEqual([1, 0]);
    scene.stage.pass(30);
    expect(scene.backends[1].last.received.endsWith('\r\n\r\n0123456789')).toBe(true);
    scene.backends[1].last.send(ok());
    scene.stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('gets the body also when memory was short before it had a connection', () => {
    const scene = sceneOf([null, ok()]);
    scene.stage.network.blackHole('10.0.0.2');
    scene.stage.ask(post('0123456789').replace('POST', 'PUT'), 70);
    for (const holder of scene.stage.engine.holders()) holder.giveSpare();
    scene.stage.network.heal('10.0.0.2');
    // The next try of the kernel's to connect.
    scene.stage.pass(2000);
    const { connections } = scene.backends[1];
    expect(connections.map(({ received }) => received.slice(-14))).toEqual(['\r\n\r\n0123456789']);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('gets a body longer than what is kept when the first gets a connection before it', () => {
    const scene = sceneOf([null, null]);
    const { network } = scene.stage;
    network.blackHole('10.0.0.1');
    network.blackHole('10.0.0.2');
    const body = 'x'.repeat(70_000);
    scene.stage.ask(post(body).replace('POST', 'PUT'), 70);
    expect(scene.stage.engine.open().exchanges).toBe(1);
    for (const address of ['10.0.0.1', '10.0.0.2']) {
      network.heal(address);
      scene.stage.pass(10);
    }
    for (const { last } of scene.backends) {
      expect(last.received.split('\r\n\r\n')[1]?.length).toBe(body.length);
    }
  });

  it('is none where nobody else has room', () => {
    const limited = [backendConfig(1), { ...backendConfig(2), maxRequests: 1 }];
    const scene = sceneOf([null, null], { backends: limited });
    const clients = [scene.stage.ask(post('hello')), scene.stage.ask(post('hello'))];
    expect(inFlight(scene)).toEqual([1, 1]);
    clients.push(scene.stage.ask(get(), 200));
    expect(heads(scene)).toEqual([2, 1]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('is none with a suspect, who may be asked only when there is nobody else', () => {
    const scene = sceneOf([null, ok()]);
    scene.stage.table.setState(1, State.suspect);
    scene.stage.refresh();
    scene.stage.ask(get(), 200);
    expect(heads(scene)).toEqual([1, 0]);
  });

  it('is paid from the budget of retries', () => {
    const scene = sceneOf([null, null]);
    for (let i = 0; i < 6; i++) scene.stage.ask(get(), 100);
    expect(heads(scene).reduce((a, b) => a + b)).toBe(6 + 4);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('leaves nothing when the client goes', () => {
    const scene = sceneOf([null, null], { passiveHealth: passiveHealth() });
    const client = scene.stage.ask(get(), 100);
    client.socket.reset();
    scene.stage.pass(1);
    expect(inFlight(scene)).toEqual([0, 0]);
    expect(scene.backends.map(({ last }) => last.wasReset)).toEqual([true, true]);
    expect(scene.stage.record).toMatchObject({ attempts: 2, hedged: true });
    expect(scene.stage.leftovers()).toBe('');
  });
});

describe('a second attempt and the exchanges after it', () => {
  it('have nothing to do with each other when both attempts were called off', () => {
    const scene = sceneOf([null, null]);
    const { stage, backends } = scene;
    const gone = stage.ask(get(), 100);
    gone.socket.reset();
    stage.pass(1);
    backends[0].onHead = (_head, connection) => void connection.socket.reset();
    backends[1].answering(ok());
    expect([stage.ask(get(), 10), stage.ask(get(), 10)].map(({ statuses }) => statuses)).toEqual([
      [200],
      [200],
    ]);
    expect(inFlight(scene)).toEqual([0, 0]);
    expect(stage.leftovers()).toBe('');
  });

  it('goes at once over a connection that is kept', () => {
    const scene = sceneOf([ok(), ok()]);
    const { stage, backends } = scene;
    for (let count = 0; count < 2; count++) stage.ask(get(), 5);
    expect(heads(scene)).toEqual([1, 1]);
    for (const backend of backends) backend.onHead = () => {};
    stage.ask(get(), 70);
    expect(heads(scene)).toEqual([2, 2]);
    expect(backends.map(({ connections }) => connections.length)).toEqual([1, 1]);
    expect(stage.leftovers()).toBe('');
  });

  it('follows also an attempt that came after one that failed', () => {
    const scene = sceneOf([null, null, ok('third')], { retries: retriesConfig({ attempts: 2 }) });
    const { stage, backends } = scene;
    backends[0].onHead = (_head, connection) => void connection.socket.reset();
    const client = stage.ask(get(), 100);
    expect(client.received.endsWith('third')).toBe(true);
    expect(stage.record).toMatchObject({ attempts: 3, hedged: true, backend: 'server-3' });
    expect(stage.leftovers()).toBe('');
  });

  it('wins with an answer that is no failure, whatever it says', () => {
    const { stage } = sceneOf([null, 'HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno']);
    expect(stage.ask(get(), 100).statuses).toEqual([404]);
    expect(stage.record).toMatchObject({ hedged: true, backend: 'server-2' });
    expect(stage.leftovers()).toBe('');
  });
});

describe('of two attempts', () => {
  it.each([
    ['the first', 0],
    ['the second', 1],
  ])('the other one goes on when %s is lost', (_which, lost) => {
    const scene = sceneOf([null, null]);
    const client = scene.stage.ask(get(), 70);
    scene.backends[lost].last.socket.reset();
    scene.stage.pass(5);
    expect(client.received).toBe('');
    scene.backends[1 - lost].last.send(ok('other'));
    scene.stage.pass(1);
    expect(client.received.endsWith('other')).toBe(true);
    expect(scene.stage.record).toMatchObject({
      attempts: 2,
      backend: `server-${2 - lost}`,
      failure: null,
    });
    expect(inFlight(scene)).toEqual([0, 0]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it.each([
    ['the first', 0],
    ['the second', 1],
  ])('the other one goes on when %s gets a 503', (_which, refused) => {
    const scene = sceneOf([null, null]);
    const client = scene.stage.ask(get(), 70);
    scene.backends[refused].last.send(bad);
    scene.stage.pass(5);
    expect(client.received).toBe('');
    scene.backends[1 - refused].last.send(ok('other'));
    scene.stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('the last one is seen when both get a 503', () => {
    const scene = sceneOf([null, null]);
    const client = scene.stage.ask(get(), 70);
    scene.backends[1].last.send(bad);
    scene.stage.pass(1);
    scene.backends[0].last.send(bad.replace('no', 'my'));
    scene.stage.pass(1);
    expect(client.statuses).toEqual([503]);
    expect(client.received.endsWith('my')).toBe(true);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('each may end in a lost connection, and that is the end', () => {
    const scene = sceneOf([null, null, ok()], { retries: retriesConfig({ attempts: 5 }) });
    const client = scene.stage.ask(get(), 70);
    for (const { last } of scene.backends.slice(0, 2)) last.socket.reset();
    scene.stage.pass(5);
    expect(client.statuses).toEqual([502]);
    expect(heads(scene)).toEqual([1, 1, 0]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('both count among those that `retries` allows', () => {
    const scene = sceneOf([null, null, ok('third')], { retries: retriesConfig({ attempts: 2 }) });
    const client = scene.stage.ask(get(), 70);
    for (const { last } of scene.backends.slice(0, 2)) last.send(bad);
    scene.stage.pass(5);
    expect(client.received.endsWith('third')).toBe(true);
    expect(scene.stage.record).toMatchObject({ attempts: 3, hedged: true });
    expect(scene.stage.leftovers()).toBe('');
  });

  it('the second goes on when a probe takes down the backend of the first', () => {
    const scene = sceneOf([null, null]);
    const client = scene.stage.ask(get(), 70);
    scene.stage.engine.backendDown(scene.stage.backends[0]);
    scene.stage.pass(1);
    expect(heads(scene)).toEqual([1, 1]);
    scene.backends[1].last.send(ok());
    scene.stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(scene.stage.leftovers()).toBe('');
  });

  it('each may take too long: 504', () => {
    const scene = sceneOf([null, null], {}, { timeouts: { responseHeadMs: 1000 } });
    expect(scene.stage.ask(get(), 1300).statuses).toEqual([504]);
    expect(scene.stage.leftovers()).toBe('');
  });
});

describe('a percentile', () => {
  it('is waited for, once a hundred answers have shown what it is', () => {
    const scene = sceneOf([null, null], { hedge: { afterMs: 0, quantile: 0.95 } });
    const { stage, backends } = scene;
    let ms = 20;
    for (const backend of backends) {
      backend.onHead = (_head, connection) =>
        void stage.clock.wakeAt(stage.clock.nowMs() + ms, () => connection.send(ok()));
    }
    for (let i = 0; i < 100; i++) stage.ask(get(), 30);
    expect(stage.records.every(({ hedged }) => !hedged)).toBe(true);
    ms = 200;
    stage.ask(get(), 250);
    expect(stage.records.at(-1)).toMatchObject({ hedged: true, attempts: 2 });
    expect(stage.leftovers()).toBe('');
  });
});
