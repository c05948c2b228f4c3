import { describe, expect, it } from 'vitest';
import { config } from '../../../test/fixtures/control-world.ts';
import { timedOut } from './timed-out.ts';

const { timeouts } = config([]);

describe('a deadline that has passed', () => {
  it.each([
    ['requestHead', 'client', 'no whole request head within 10 s (timeouts.client_head)'],
    ['client', 'client', 'silent for 60 s (timeouts.idle)'],
    ['connect', 'backend', 'no connection within 3 s (timeouts.connect)'],
    ['request', 'backend', 'read nothing of the request for 60 s (timeouts.idle)'],
    ['responseHead', 'backend', 'no response within 60 s (timeouts.response)'],
    ['responseBody', 'backend', 'sent nothing for 60 s (timeouts.idle)'],
    ['tunnel', 'backend', 'silent for 3600 s (timeouts.tunnel_idle)'],
  ] as const)('%s: is held against the %s, and names its key', (which, side, cause) => {
    expect(timedOut[which](timeouts)).toMatchObject({ side, cause });
  });

  it('lets an exchange be tried again only where no backend has seen it', () => {
    const retries = Object.entries(timedOut).map(([name, why]) => [name, why(timeouts).retry]);
    expect(retries.filter(([, retry]) => retry !== 'never')).toEqual([['connect', 'safe']]);
  });

  it('says the time as it is configured, also parts of a second', () => {
    const short = { ...timeouts, connectMs: 250 };
    expect(timedOut.connect(short).cause).toBe('no connection within 0.25 s (timeouts.connect)');
  });
});
