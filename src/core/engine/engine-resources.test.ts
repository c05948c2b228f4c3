/** What an engine keeps for all its connections, and gives up. */
import { describe, expect, it } from 'vitest';
import { get, Stage } from '../../../test/engine-stage/engine-stage.ts';

describe('an exchange that is over', () => {
  it('carries the next one', () => {
    const { engine } = new Stage();
    const exchange = engine.takeExchange();
    engine.giveExchange(exchange);
    expect(engine.takeExchange()).toBe(exchange);
    expect(engine.takeExchange()).not.toBe(exchange);
  });

  it('carries none under other limits', () => {
    const stage = new Stage();
    const before = stage.engine.takeExchange();
    const during = stage.engine.takeExchange();
    stage.engine.giveExchange(before);
    stage.configure({ ...stage.config, limits: { ...stage.config.limits, headerFields: 7 } });
    stage.engine.giveExchange(during);
    expect([before, during]).not.toContain(stage.engine.takeExchange());
  });

  it('is kept for that only among 256', () => {
    const { engine } = new Stage();
    const many = Array.from({ length: 300 }, () => engine.takeExchange());
    for (const exchange of many) engine.giveExchange(exchange);
    const again = Array.from({ length: 300 }, () => engine.takeExchange());
    expect(again.filter((exchange) => many.includes(exchange))).toHaveLength(256);
  });
});

describe('the line with the date', () => {
  it('is made once a second', () => {
    const stage = new Stage();
    const first = stage.engine.dateField();
    stage.pass(900);
    expect(stage.engine.dateField()).toBe(first);
    stage.pass(200);
    expect(stage.engine.dateField()).not.toEqual(first);
  });
});

describe('a connection to a backend above the bound', () => {
  it('takes the place of one that is idle, and of no other', () => {
    const stage = new Stage({ backends: 3, limits: { maxConnections: 2 } });
    const backends = [1, 2, 3].map((number) => stage.backend(number).answering());
    const client = stage.client();
    for (let count = 0; count < 3; count++) {
      client.send(get());
      stage.pass(2);
    }
    expect(client.statuses).toEqual([200, 200, 200]);
    expect(backends.map(({ last }) => last.ended)).toEqual([true, false, false]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the deadline of a stop', () => {
  it('cuts connections to backends as well that carry nothing any more', () => {
    const stage = new Stage({ manualTurns: true });
    const backend = stage.backend().answering();
    stage.ask(get());
    expect(stage.records).toHaveLength(1);
    stage.engine.cutAll();
    stage.pass(1);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });
});

describe('an exchange that waits for its answer while the balancer stops', () => {
  it('keeps its time', () => {
    const stage = new Stage({ timeouts: { idleMs: 3000 } });
    const backend = stage.backend();
    stage.pass(100_000);
    const client = stage.ask(get());
    stage.engine.beginStop();
    stage.pass(10_000);
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    stage.pass(1);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });
});
