/**
 * The deadlines that can end an attempt or an exchange, in the words of the log: what did not come,
 * for how long, and which key changes that.
 */
import { type Failure, failure, type Retry } from '../base/failure.ts';
import type { RetriesConfig, TimeoutsConfig } from '../config.ts';

const seconds = (ms: number): string => `${ms / 1000} s`;

/** A failure for each deadline. Who waits arms the wheel, and asks here when it fires. */
export const timedOut = {
  /** A client began a head and did not end it. */
  requestHead({ clientHeadMs }: TimeoutsConfig): Failure {
    const cause = `no whole request head within ${seconds(clientHeadMs)} (timeouts.client_head)`;
    return failure('timeout_head', 'client', 'parse', 'never', cause);
  },

  /** A client neither sends its request nor takes its answer. */
  client({ idleMs }: TimeoutsConfig): Failure {
    const cause = `silent for ${seconds(idleMs)} (timeouts.idle)`;
    return failure('timeout_idle', 'client', 'relay', 'never', cause);
  },

  connect({ connectMs }: TimeoutsConfig): Failure {
    const cause = `no connection within ${seconds(connectMs)} (timeouts.connect)`;
    return failure('connect_timeout', 'backend', 'connect', 'safe', cause);
  },

  /** A backend does not read the request. */
  request({ idleMs }: TimeoutsConfig): Failure {
    const cause = `read nothing of the request for ${seconds(idleMs)} (timeouts.idle)`;
    return failure('timeout_idle', 'backend', 'relay', 'never', cause);
  },

  /** A backend has the whole request and does not answer. It may be at work on it. */
  responseHead({ responseHeadMs }: TimeoutsConfig, retry: Retry = 'never'): Failure {
    const cause = `no response within ${seconds(responseHeadMs)} (timeouts.response)`;
    return failure('timeout_head', 'backend', 'relay', retry, cause);
  },

  /** The same, where a pool gives each attempt less time. */
  attempt({ attemptTimeoutMs }: RetriesConfig, retry: Retry = 'never'): Failure {
    const cause = `no response within ${seconds(attemptTimeoutMs)} (retries.attempt_timeout)`;
    return failure('timeout_head', 'backend', 'relay', retry, cause);
  },

  /** A backend has begun its answer and does not go on. */
  responseBody({ idleMs }: TimeoutsConfig): Failure {
    const cause = `sent nothing for ${seconds(idleMs)} (timeouts.idle)`;
    return failure('timeout_idle', 'backend', 'relay', 'never', cause);
  },

  /** Neither side of a tunnel says anything. */
  tunnel({ tunnelIdleMs }: TimeoutsConfig): Failure {
    const cause = `silent for ${seconds(tunnelIdleMs)} (timeouts.tunnel_idle)`;
    return failure('timeout_tunnel', 'backend', 'relay', 'never', cause);
  },
};
