/** `circuit_breaker`, with four real workers on a pretended network and clock. */
import { expect, it } from 'vitest';
import { get, ok, type Raw, type RawBackend } from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, config, poolConfig } from '../../../test/fixtures/control-world.ts';
import { SimFleet } from '../../../test/fixtures/sim-workers.ts';
import { latin1 } from '../base/bytes.ts';

const WORKERS = 4;
const BROKEN = 'HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n';

const circuitBreaker = {
  failureRatio: 0.5,
  minimumRequests: 12,
  intervalMs: 1000,
  openMs: 3000,
};

function brokenFleet(): readonly [SimFleet, RawBackend] {
  const pool = poolConfig([backendConfig(1)], { healthCheck: null, circuitBreaker });
  const fleet = new SimFleet(WORKERS, config([pool]));
  return [fleet, fleet.backend(1).answering(BROKEN)];
}

it('what all workers have seen together opens it for all, and one exchange closes it', () => {
  const [fleet, backend] = brokenFleet();
  let asked = 0;
  const answering = (answer: string): void => {
    backend.onHead = (_head, connection) => {
      asked++;
      connection.send(answer);
    };
  };
  answering(BROKEN);
  fleet.start();
  const askAll = (): Raw[] =>
    Array.from({ length: WORKERS }, (_, worker) => fleet.ask(worker, get()));
  // No worker alone has seen enough.
  for (let n = 0; n < 3; n++) askAll();
  fleet.pass(200);
  asked = 0;
  const refused = askAll();
  expect(refused.map(({ statuses }) => statuses)).toEqual([[503], [503], [503], [503]]);
  for (const { received } of refused) expect(received).toContain('Retry-After: 3\r\n');
  expect(fleet.records.at(-1)?.failure?.kind).toBe('circuit_open');
  expect(asked).toBe(0);
  fleet.pass(3000);
  expect(askAll().map(({ statuses }) => statuses[0])).toEqual([500, 503, 503, 503]);
  expect(asked).toBe(1);
  answering(ok());
  fleet.pass(3200);
  expect(fleet.ask(2, get()).statuses).toEqual([200]);
  fleet.pass(100);
  expect(askAll().map(({ statuses }) => statuses[0])).toEqual([200, 200, 200, 200]);
});

it('an upload from before is not the exchange on trial, when it ends after that has begun', () => {
  const [fleet, backend] = brokenFleet();
  const held: Raw[] = [];
  fleet.start();
  const hold = (): void => {
    backend.onHead = (_, connection) => void held.push(connection);
  };
  hold();
  const upload = fleet.ask(0, 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n');
  backend.answering(BROKEN);
  for (let n = 0; n < 12; n++) fleet.ask(1, get());
  fleet.pass(3500);
  hold();
  const onTrial = fleet.ask(0, get());
  fleet.pass(100);
  upload.socket.write(latin1('body'));
  fleet.pass(2);
  held[0].send(ok());
  fleet.pass(100);
  expect([upload.statuses, onTrial.statuses]).toEqual([[200], []]);
  expect(fleet.ask(2, get()).statuses).toEqual([503]);
  held[1].send(ok());
  fleet.pass(100);
  backend.answering(ok());
  expect(fleet.ask(2, get()).statuses).toEqual([200]);
});
