import { describe, expect, it } from 'vitest';
import { config, retriesConfig } from '../../../test/fixtures/control-world.ts';
import { timedOut } from './timed-out.ts';

const { timeouts } = config([]);
const retries = { ...timeouts, ...retriesConfig({ attemptTimeoutMs: 1500 }) };

describe('a deadline that has passed', () => {
  it.each([
    ['requestHead', 'client', 'no whole request head within 10 s (timeouts.client_head)'],
    ['client', 'client', 'silent for 60 s (timeouts.idle)'],
    ['connect', 'backend', 'no connection within 3 s (timeouts.connect)'],
    ['request', 'backend', 'read nothing of the request for 60 s (timeouts.idle)'],
    ['responseHead', 'backend', 'no response within 60 s (timeouts.response)'],
    ['attempt', 'backend', 'no response within 1.5 s (retries.attempt_timeout)'],
    ['responseBody', 'backend', 'sent nothing for 60 s (timeouts.idle)'],
    ['tunnel', 'backend', 'silent for 3600 s (timeouts.tunnel_idle)'],
  ] as const)('%s: is held against the %s, and names its key', (which, side, cause) => {
    expect(timedOut[which](retries)).toMatchObject({ side, cause });
  });

  it('lets an exchange be tried again only where no backend has seen it, unless told so', () => {
    const all = Object.entries(timedOut).map(([name, why]) => [name, why(retries).retry]);
    expect(timedOut.responseHead(timeouts, 'if-idempotent').retry).toBe('if-idempotent');
    expect(timedOut.attempt(retries, 'if-idempotent').retry).toBe('if-idempotent');
    expect(all.filter(([, retry]) => retry !== 'never')).toEqual([['connect', 'safe']]);
  });

  it('says the time as it is configured, also parts of a second', () => {
    const short = { ...timeouts, connectMs: 250 };
    expect(timedOut.connect(short).cause).toBe('no connection within 0.25 s (timeouts.connect)');
  });
});
