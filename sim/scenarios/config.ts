/** The configuration of a scenario's balancers: what everybody has who configures nothing. */
import type { Config, PolicyName } from '../../src/core/config.ts';
import { defaultBackend, defaultConfig, defaultPool } from '../default-config.ts';
import type { Scenario } from './scenario.ts';

/** Whoever has not answered in so long never will: people do not wait longer. */
export const RESPONSE_MS = 1000;
const CONNECT_MS = 500;

/** For servers at these addresses. */
export function scenarioConfig(
  scenario: Scenario,
  policy: PolicyName,
  addresses: readonly string[],
): Config {
  const backends = addresses.map((address, i) =>
    defaultBackend(`server-${i + 1}`, address, 80, scenario.backend),
  );
  const plain = defaultConfig([defaultPool(backends, { policy, ...scenario.pool })]);
  const timeouts = { ...plain.timeouts, connectMs: CONNECT_MS, responseHeadMs: RESPONSE_MS };
  return { ...plain, timeouts };
}
