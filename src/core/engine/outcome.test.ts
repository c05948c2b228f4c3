import { beforeEach, describe, expect, it } from 'vitest';
import { get, ok, type RawBackend, Stage } from '../../../test/engine-stage/engine-stage.ts';
import { passiveHealth } from '../../../test/fixtures/control-world.ts';
import { State } from '../table/table.ts';

let stage: Stage;
let backend: RawBackend;

const SLOT = 0;
const status = (code: number): string => `HTTP/1.1 ${code} X\r\nContent-Length: 0\r\n\r\n`;

function onStage(backends = 1, passive = passiveHealth({ consecutiveFailures: 3 })): void {
  stage = new Stage({
    backends,
    pool: { passiveHealth: passive },
    timeouts: { responseHeadMs: 500, connectMs: 100 },
  });
  backend = stage.backend();
}

beforeEach(() => onStage());

const told = (): string[] => stage.evidence.filter((line) => /failing|tried/.test(line));
const asks = (times: number, ms = 2): void => {
  for (let i = 0; i < times; i++) stage.ask(get(), ms);
};

describe('attempts in a row that fail', () => {
  it('are told once, when there are enough of them', () => {
    backend.answering(status(503));
    asks(2);
    expect(told()).toEqual([]);
    asks(4);
    expect(told()).toEqual(['failing server-1 because it answered 503']);
    expect(stage.table.outcomes(SLOT)).toEqual({ answers: 0, failures: 6, headMs: 0 });
  });

  it.each([200, 302, 404, 429, 499])('begin anew with a %i', (code) => {
    backend.answering(status(503));
    asks(2);
    backend.answering(status(code));
    asks(1);
    backend.answering(status(500));
    asks(2);
    expect(told()).toEqual([]);
    expect(stage.table.streaks.at(SLOT)).toBe(2);
  });

  it('are also those that are reset, closed, late or no HTTP', () => {
    const failures = [
      () => backend.last.socket.reset(),
      () => backend.last.socket.end(),
      () => {},
      () => void backend.last.send('SSH-2.0\r\n\r\n'),
    ];
    onStage(1, passiveHealth({ consecutiveFailures: failures.length }));
    for (const fail of failures) {
      backend.onHead = fail;
      stage.ask('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n', 600);
    }
    expect(stage.records.map(({ failure }) => failure?.kind)).toEqual([
      'reset',
      'closed',
      'timeout_head',
      'malformed',
    ]);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(/^failing server-1 because of: /);
  });

  it('are none that a client breaks off, and none that are refused', () => {
    backend.onHead = () => {};
    stage.ask(get()).socket.reset();
    stage.pass(600);
    expect(stage.table.outcomes(SLOT).failures).toBe(0);
    const alone = new Stage({ pool: { passiveHealth: passiveHealth() } });
    alone.ask(get());
    expect(alone.table.outcomes(SLOT).failures).toBe(0);
    expect(alone.evidence).toContain('suspected server-1: refused');
  });

  it('are not counted where a pool does not ask for it', () => {
    stage = new Stage();
    stage.backend().answering(status(503));
    asks(9);
    expect(stage.table.outcomes(SLOT)).toEqual({ answers: 0, failures: 0, headMs: 0 });
    expect(stage.table.streaks.at(SLOT)).toBe(0);
  });
});

describe('an answer', () => {
  it('counts with the time to its head', () => {
    stage.ask(get(), 300);
    backend.last.send(ok());
    stage.pass(2);
    const { answers, failures, headMs } = stage.table.outcomes(SLOT);
    expect([answers, failures]).toEqual([1, 0]);
    expect(Math.abs(headMs - 300)).toBeLessThan(3);
  });
});

describe('a backend on trial', () => {
  function offerTrial(): void {
    stage.table.offerTrial(SLOT);
    stage.refresh();
  }

  beforeEach(() => {
    onStage(2);
    stage.backend(2).answering(ok('second'));
    offerTrial();
  });

  it('gets one exchange, and what comes meanwhile goes to others', () => {
    asks(6);
    expect(backend.connections).toHaveLength(1);
    expect(stage.records).toHaveLength(5);
    expect(stage.table.state(SLOT)).toBe(State.ejected);
    backend.last.send(ok());
    stage.pass(2);
    expect(told()).toEqual(['tried server-1 well']);
  });

  it('fails with one 5xx, however many in a row the pool allows', () => {
    backend.answering(status(500));
    asks(6);
    expect(told()).toEqual(['tried server-1 because it answered 500']);
    expect(backend.connections).toHaveLength(1);
  });

  it('fails also when it cannot be connected to', () => {
    stage = new Stage({ backends: 2, pool: { passiveHealth: passiveHealth() } });
    stage.backend(2).answering(ok('second'));
    offerTrial();
    asks(4);
    expect(told()).toEqual(['tried server-1 because of: 10.0.0.1:9000 refused the connection']);
    expect(stage.records.map((record) => record.status)).toEqual([200, 200, 200, 200]);
  });

  it('is not decided by an exchange that was there before', () => {
    onStage(2);
    stage.backend(2).answering(ok('second'));
    asks(2);
    stage.table.setState(SLOT, State.ejected);
    offerTrial();
    asks(2);
    const [before, onTrial] = backend.connections;
    before.send(ok());
    stage.pass(2);
    expect(told()).toEqual([]);
    onTrial.send(status(500));
    stage.pass(2);
    expect(told()).toEqual(['tried server-1 because it answered 500']);
  });

  it('is undecided when its client goes away, and gives its trial back', () => {
    backend.onHead = () => {};
    const clients = [stage.ask(get()), stage.ask(get())];
    expect(stage.table.streaks.trial(SLOT)).toBeLessThan(0);
    for (const client of clients) client.socket.reset();
    stage.pass(1000);
    expect(told()).toEqual([]);
    expect(stage.table.streaks.trial(SLOT)).toBe(0);
    offerTrial();
    backend.answering(ok());
    asks(2);
    expect(told()).toEqual(['tried server-1 well']);
  });

  it('is as good as any when nobody is up', () => {
    stage.table.setState(1, State.suspect);
    stage.refresh();
    backend.onHead = () => {};
    asks(3);
    expect(stage.table.inFlight(SLOT) + stage.table.inFlight(1)).toBeGreaterThan(0);
    expect(backend.connections.length).toBeGreaterThan(1);
  });
});

describe('an ejected backend', () => {
  it('gets nothing while anybody is up, and what there is when nobody is', () => {
    onStage(2);
    backend.answering(ok('first'));
    stage.backend(2).answering(ok('second'));
    stage.table.setState(SLOT, State.ejected);
    stage.refresh();
    asks(4);
    expect(backend.connections).toHaveLength(0);
    stage.table.setState(1, State.down);
    stage.refresh();
    asks(4);
    expect(stage.records.map(({ status: code }) => code)).toEqual(Array(8).fill(200));
    expect(backend.connections.length).toBeGreaterThan(0);
  });
});
