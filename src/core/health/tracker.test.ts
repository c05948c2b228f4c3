import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passiveHealth } from '../../../test/fixtures/control-world.ts';
import { createRng } from '../base/rng.ts';
import type { HealthCheckConfig } from '../config.ts';
import { State } from '../table/table.ts';
import { type Evidence, Tracker } from './tracker.ts';

const check = (changes: Partial<HealthCheckConfig> = {}): HealthCheckConfig => ({
  kind: 'http',
  method: 'GET',
  path: '/health',
  host: null,
  intervalMs: 5000,
  downIntervalMs: changes.intervalMs ?? 5000,
  headers: [],
  timeoutMs: 2000,
  expectedStatus: [[200, 299]],
  expectedBody: null,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
  ...changes,
});

const pass: Evidence = { kind: 'passed', what: 'GET /health answered 200' };
const slow: Evidence = { kind: 'failed', how: 'timeout', why: 'GET /health took longer than 2 s' };
const refused: Evidence = { kind: 'failed', how: 'refused', why: 'a:1 refused the connection' };

const checked = (changes: Partial<HealthCheckConfig> = {}) => new Tracker(check(changes), true, 0);

/** One that is up because a probe passed. */
function up(changes: Partial<HealthCheckConfig> = {}): Tracker {
  const tracker = checked(changes);
  tracker.probed(pass, 1);
  return tracker;
}

/** One that a refused probe took down. */
function down(changes: Partial<HealthCheckConfig> = {}): Tracker {
  const tracker = up(changes);
  tracker.probed(refused, 2);
  return tracker;
}

describe('a backend that is checking', () => {
  it('is up after one pass', () => {
    const tracker = checked();
    expect(tracker.state).toBe(State.checking);
    expect(tracker.probed(pass, 7)).toEqual({
      from: State.checking,
      to: State.up,
      why: 'GET /health answered 200',
      sinceWallMs: 7,
    });
    expect(tracker.sinceWallMs).toBe(7);
  });

  it('is down after three failures, not before', () => {
    const tracker = checked();
    expect(tracker.probed(slow, 1)).toBeNull();
    expect(tracker.probed(slow, 2)).toBeNull();
    expect(tracker.probed(slow, 3)).toEqual({
      from: State.checking,
      to: State.down,
      why: '3 probes failed, the last because GET /health took longer than 2 s',
      sinceWallMs: 3,
    });
  });

  it('is down at once when refused', () => {
    expect(checked().probed(refused, 1)?.to).toBe(State.down);
  });

  it('is suspect when an exchange was refused', () => {
    expect(checked().suspected('nobody there', 1)?.to).toBe(State.suspect);
  });
});

describe('a backend that is up', () => {
  it('is down after three failures in a row', () => {
    const tracker = up();
    expect(tracker.probed(slow, 2)).toBeNull();
    expect(tracker.probed(slow, 3)).toBeNull();
    expect(tracker.probed(pass, 4)).toBeNull();
    expect(tracker.probed(slow, 5)).toBeNull();
    expect(tracker.probed(slow, 6)).toBeNull();
    expect(tracker.probed(slow, 7)?.to).toBe(State.down);
  });

  it('is down after one failure when one is all that is allowed', () => {
    const verdict = up({ unhealthyThreshold: 1 }).probed(slow, 2);
    expect(verdict?.why).toBe('a probe failed because GET /health took longer than 2 s');
  });

  it('is down at once when a probe is refused', () => {
    const verdict = up().probed(refused, 9);
    expect(verdict).toEqual({
      from: State.up,
      to: State.down,
      why: 'a:1 refused the connection',
      sinceWallMs: 9,
    });
  });

  it('is passing until a probe fails', () => {
    const tracker = up();
    expect(tracker.passing).toBe(true);
    tracker.probed(slow, 2);
    expect(tracker.passing).toBe(false);
    expect(tracker.state).toBe(State.up);
  });

  it('stays up when it is pardoned, and its failures are counted anew', () => {
    const tracker = up();
    tracker.probed(slow, 2);
    tracker.probed(slow, 3);
    expect(tracker.pardon('it may be us', 4)).toBeNull();
    expect(tracker.probed(slow, 5)).toBeNull();
    expect(tracker.probed(slow, 6)).toBeNull();
    expect(tracker.probed(slow, 7)?.to).toBe(State.down);
  });
});

describe('a suspect', () => {
  it('is back after one pass, whatever the threshold for those that are down', () => {
    const tracker = up({ healthyThreshold: 5 });
    expect(tracker.suspected('nobody there', 2)?.to).toBe(State.suspect);
    expect(tracker.probed(pass, 3)?.to).toBe(State.up);
  });

  it('is down when its probe is refused too, and comes back like others', () => {
    const tracker = up();
    tracker.suspected('nobody there', 2);
    expect(tracker.probed(refused, 3)?.to).toBe(State.down);
    expect(tracker.probed(pass, 4)).toBeNull();
    expect(tracker.probed(pass, 5)?.to).toBe(State.up);
  });

  it('is down after three failures of another kind, those before it counted', () => {
    const tracker = up();
    tracker.probed(slow, 2);
    tracker.suspected('nobody there', 3);
    expect(tracker.probed(slow, 4)).toBeNull();
    expect(tracker.probed(slow, 5)?.to).toBe(State.down);
  });

  it('is not suspected twice, nor is one that is down', () => {
    const tracker = up();
    tracker.suspected('nobody there', 2);
    expect(tracker.suspected('nobody there', 3)).toBeNull();
    expect(down().suspected('nobody there', 3)).toBeNull();
  });
});

describe('a backend that is down', () => {
  it('is up after two passes in a row', () => {
    const tracker = down();
    expect(tracker.probed(pass, 3)).toBeNull();
    expect(tracker.probed(slow, 4)).toBeNull();
    expect(tracker.probed(pass, 5)).toBeNull();
    expect(tracker.probed(pass, 6)).toEqual({
      from: State.down,
      to: State.up,
      why: '2 probes passed: GET /health answered 200',
      sinceWallMs: 6,
    });
  });

  it('says the newest reason, and since when it is down', () => {
    const tracker = down();
    tracker.probed(slow, 8);
    expect(tracker.why).toBe('GET /health took longer than 2 s');
    expect(tracker.sinceWallMs).toBe(2);
  });

  it('is up again when it was pardoned', () => {
    expect(down().pardon('it may be us', 5)?.to).toBe(State.up);
  });
});

describe('the time to the next probe', () => {
  it('is the interval when it is decided', () => {
    expect(up().nextProbeMs()).toBe(5000);
    expect(down().nextProbeMs()).toBe(5000);
  });

  it('is an interval of its own for one that is down, until a probe passes', () => {
    const tracker = down({ downIntervalMs: 30_000 });
    expect(tracker.nextProbeMs()).toBe(30_000);
    tracker.probed(pass, 3);
    expect(tracker.nextProbeMs()).toBe(1000);
    tracker.probed(pass, 4);
    expect(tracker.nextProbeMs()).toBe(5000);
  });

  it('is a second while it is undecided, or the interval if that is shorter', () => {
    expect(checked().nextProbeMs()).toBe(1000);
    expect(checked({ intervalMs: 200 }).nextProbeMs()).toBe(200);
    const suspect = up();
    suspect.suspected('nobody there', 2);
    expect(suspect.nextProbeMs()).toBe(1000);
    const returning = down();
    returning.probed(pass, 3);
    expect(returning.nextProbeMs()).toBe(1000);
    returning.probed(slow, 4);
    expect(returning.nextProbeMs()).toBe(5000);
  });
});

describe('a backend without a health check', () => {
  it('starts up and is not probed', () => {
    const tracker = new Tracker(null, true, 0);
    expect(tracker.state).toBe(State.up);
    expect(tracker.nextProbeMs()).toBeNull();
  });

  it('is a suspect at worst, tried after 1 s and then twice as late each time, up to 30 s', () => {
    const tracker = new Tracker(null, true, 0);
    expect(tracker.suspected('nobody there', 1)?.to).toBe(State.suspect);
    const waits = Array.from({ length: 7 }, () => {
      const waitMs = tracker.nextProbeMs();
      expect(tracker.probed(refused, 2)).toBeNull();
      return waitMs;
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    expect(tracker.probed(pass, 3)?.to).toBe(State.up);
    expect(tracker.nextProbeMs()).toBeNull();
    tracker.suspected('nobody there', 4);
    expect(tracker.nextProbeMs()).toBe(1000);
  });
});

describe('a backend whose name has no address', () => {
  it('is down, is not probed, and is checked again when the name is resolved', () => {
    const tracker = new Tracker(check(), false, 0);
    expect(tracker.unresolved('cannot resolve web: no such name', 1)).toEqual({
      from: State.checking,
      to: State.down,
      why: 'cannot resolve web: no such name',
      sinceWallMs: 1,
    });
    expect(tracker.nextProbeMs()).toBeNull();
    expect(tracker.probed(pass, 2)).toBeNull();
    expect(tracker.unresolved('cannot resolve web: timeout', 3)).toBeNull();
    expect(tracker.why).toBe('cannot resolve web: timeout');
    expect(tracker.resolved(4)?.to).toBe(State.checking);
    expect(tracker.probed(pass, 5)?.to).toBe(State.up);
  });

  it('is up when the name is resolved and there is no health check', () => {
    const tracker = new Tracker(null, false, 0);
    expect(tracker.state).toBe(State.checking);
    expect(tracker.resolved(1)?.to).toBe(State.up);
    tracker.unresolved('cannot resolve web', 2);
    expect(tracker.resolved(3)?.to).toBe(State.up);
  });

  it('learns nothing new from other addresses of a name that was known', () => {
    expect(up().resolved(3)).toBeNull();
    expect(checked().resolved(3)).toBeNull();
  });
});

describe('a health check changed by a reload', () => {
  it('keeps the state and counts anew', () => {
    const tracker = up();
    tracker.probed(slow, 2);
    expect(tracker.configure(check({ unhealthyThreshold: 2 }), 3)).toBeNull();
    expect(tracker.probed(slow, 4)).toBeNull();
    expect(tracker.probed(slow, 5)?.to).toBe(State.down);
  });

  it('leaves nobody down for ever when it is removed', () => {
    expect(down().configure(null, 3)?.to).toBe(State.suspect);
    expect(checked().configure(null, 3)?.to).toBe(State.up);
    expect(up().configure(null, 3)).toBeNull();
    const unresolved = checked();
    unresolved.unresolved('cannot resolve web', 2);
    expect(unresolved.configure(null, 3)).toBeNull();
    expect(unresolved.resolved(4)?.to).toBe(State.up);
  });
});

const PASSIVE = passiveHealth();
const rng = createRng(5);

/** One that was up, and whose exchanges fail. */
function ejected(tracker = up()): Tracker {
  expect(tracker.eject('streak', 'attempts failed', PASSIVE, rng, 10)?.to).toBe(State.ejected);
  return tracker;
}

describe('an ejected backend', () => {
  it('says why, and since when', () => {
    const tracker = up();
    expect(tracker.eject('streak', 'attempts failed', PASSIVE, rng, 10)).toEqual({
      from: State.up,
      to: State.ejected,
      why: 'attempts failed',
      sinceWallMs: 10,
    });
    expect(tracker.why).toBe('attempts failed');
    expect(tracker.sinceWallMs).toBe(10);
  });

  it('is not brought back by a probe that passes, nor ejected again', () => {
    const tracker = ejected();
    expect(tracker.probed(pass, 11)).toBeNull();
    expect(tracker.state).toBe(State.ejected);
    expect(tracker.eject('streak', 'more failed', PASSIVE, rng, 12)).toBeNull();
    expect(tracker.why).toBe('attempts failed');
  });

  it('is down when probes say so, and ejected still when they take that back', () => {
    const tracker = ejected();
    expect(tracker.probed(refused, 11)).toMatchObject({ from: State.ejected, to: State.down });
    expect(tracker.why).toBe('a:1 refused the connection');
    tracker.probed(pass, 12);
    expect(tracker.probed(pass, 13)).toMatchObject({ from: State.down, to: State.ejected });
    expect(tracker.why).toBe('attempts failed');
  });

  it('gets its trial only after its last probe has passed', () => {
    const tracker = ejected();
    tracker.probed(slow, 11);
    expect(tracker.offerTrial(12)).toBeNull();
    tracker.probed(pass, 13);
    expect(tracker.offerTrial(14)).toMatchObject({ from: State.ejected, to: State.trial });
    expect(tracker.tried(null, PASSIVE, rng, 15)).toMatchObject({
      to: State.up,
      why: 'the exchange it got on trial was answered',
    });
  });

  it('without a health check needs no probe for its trial, and one failure ends that', () => {
    const tracker = ejected(new Tracker(null, true, 0));
    expect(tracker.tried(null, PASSIVE, rng, 11)).toBeNull();
    expect(tracker.offerTrial(12)?.to).toBe(State.trial);
    expect(tracker.tried('because it answered 500', PASSIVE, rng, 13)).toMatchObject({
      from: State.trial,
      to: State.ejected,
      why: 'its trial failed because it answered 500',
    });
  });

  it('may be one that was checking, and becomes what its probes have made of it', () => {
    const tracker = ejected(checked());
    expect(tracker.probed(pass, 11)).toBeNull();
    expect(tracker.bringBack('passive health is off', 12)).toMatchObject({ to: State.up });
  });

  it('is nobody who takes no exchanges anyway', () => {
    expect(down().eject('streak', 'attempts failed', PASSIVE, rng, 5)).toBeNull();
  });
});

describe('a backend that is spared although its exchanges fail', () => {
  it('says so beside why it is up, until that is over', () => {
    const tracker = up();
    tracker.spare('not ejected although it fails: nobody else is up');
    expect(tracker.why).toBe(
      'GET /health answered 200; not ejected although it fails: nobody else is up',
    );
    tracker.spare(null);
    expect(tracker.why).toBe('GET /health answered 200');
  });
});

describe('whatever the evidence', () => {
  it('each verdict says where it came from, and passes alone lead up', () => {
    const evidence = fc.constantFrom<Evidence | 'suspected'>(pass, slow, refused, 'suspected');
    fc.assert(
      fc.property(fc.array(evidence), fc.boolean(), (all, probes) => {
        const tracker = new Tracker(probes ? check() : null, true, 0);
        let state = tracker.state;
        all.forEach((one, at) => {
          const verdict =
            one === 'suspected' ? tracker.suspected('nobody there', at) : tracker.probed(one, at);
          if (verdict === null) {
            expect(tracker.state).toBe(state);
          } else {
            expect(verdict.from).toBe(state);
            expect(verdict.to).not.toBe(state);
            expect(verdict.to === State.up).toBe(one === pass);
            state = verdict.to;
          }
          if (!probes) expect(tracker.state).not.toBe(State.down);
        });
        for (const at of [1, 2]) tracker.probed(pass, at);
        expect(tracker.state).toBe(State.up);
      }),
    );
  });
});
