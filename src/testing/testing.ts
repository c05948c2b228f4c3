/**
 * A balancer in your tests, on pretended time and a pretended network: seconds pass in
 * microseconds, nothing is random but what the seed says, and every run is the same.
 *
 * ```ts
 * import { createWorld } from 'evenkeel/testing';
 *
 * const world = createWorld({ seed: 1 });
 * const one = world.backend('http://one:9001');
 * const two = world.backend('http://two:9002', () => ({ status: 503, afterMs: 20 }));
 * await world.balancer({ backends: [one.url, two.url] });
 * const answer = await world.get('/');
 * ```
 */
export type { ConfigInput } from '../config/define-config.ts';
export type { Balancer } from '../control/balancer.ts';
export type { Config } from '../core/config.ts';
export type { ExchangeRecord } from '../core/telemetry/log.ts';
export type { Duration } from './duration.ts';
export type { Answering, FakeAnswer, FakeBackend, FakeRequest } from './fake-backend.ts';
export type { ClientAnswer } from './fake-client.ts';
export type { Headers, SentHeaders } from './message.ts';
export type {
  RequestOptions,
  World,
  WorldBalancer,
  WorldEvent,
  WorldExchange,
  WorldOptions,
} from './world.ts';
export { createWorld } from './world.ts';
