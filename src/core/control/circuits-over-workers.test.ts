/** `circuit_breaker`, with four real workers on a pretended network and clock. */
import { expect, it } from 'vitest';
import { get, ok, type Raw } from '../../../test/engine-stage/engine-stage.ts';
import { backendConfig, config, poolConfig } from '../../../test/fixtures/control-world.ts';
import { SimFleet } from '../../../test/fixtures/sim-workers.ts';

const WORKERS = 4;
const BROKEN = 'HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n';

it('what all workers have seen together opens it for all, and one exchange closes it', () => {
  const circuitBreaker = {
    failureRatio: 0.5,
    minimumRequests: 12,
    intervalMs: 1000,
    openMs: 3000,
  };
  const pool = poolConfig([backendConfig(1)], { healthCheck: null, circuitBreaker });
  const fleet = new SimFleet(WORKERS, config([pool]));
  const backend = fleet.backend(1).answering(BROKEN);
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
