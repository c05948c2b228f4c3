import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../sim/clock.ts';
import { Driver } from './driver.ts';

function begun() {
  const clock = createSimClock();
  const driver = new Driver(clock);
  const sleep = (ms: number): Promise<void> =>
    driver.until((done) => void clock.wakeAt(clock.nowMs() + ms, () => done()));
  return { clock, driver, sleep };
}

describe('a driver', () => {
  it('lets time pass as far as somebody waits, and no further', async () => {
    const { clock, sleep } = begun();
    clock.wakeAt(100, () => {});
    await sleep(30);
    expect(clock.nowMs()).toBe(30);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.nowMs()).toBe(30);
  });

  it('lets everybody who heard of something act before the next thing happens', async () => {
    const { clock, sleep } = begun();
    const heard: string[] = [];
    const walker = async (name: string, ms: number, steps: number): Promise<void> => {
      for (let i = 0; i < steps; i++) {
        await sleep(ms);
        // As many turns as a promise may take.
        for (let turn = 0; turn < 20; turn++) await null;
        heard.push(`${name}${clock.nowMs()}`);
      }
    };
    await Promise.all([walker('a', 10, 3), walker('b', 15, 2)]);
    expect(heard).toEqual(['a10', 'b15', 'a20', 'b30', 'a30']);
  });

  it('tells everybody who waits what went wrong, and goes on', async () => {
    const { clock, sleep } = begun();
    clock.wakeAt(10, () => {
      throw new Error('a handler of the test');
    });
    const outcomes = await Promise.allSettled([sleep(20), sleep(30)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await sleep(5);
    expect(clock.nowMs()).toBe(15);
  });

  it('goes on after something that could not even begin', async () => {
    const { clock, driver, sleep } = begun();
    const begin = (): never => {
      throw new Error('no such time');
    };
    await expect(driver.until(begin)).rejects.toThrow('no such time');
    clock.wakeAt(100, () => {});
    await sleep(30);
    expect(clock.nowMs()).toBe(30);
  });

  it('tells of what went wrong elsewhere, or throws it where nobody waits', async () => {
    const { driver, sleep } = begun();
    const error = new Error('elsewhere');
    expect(() => driver.fail(error)).toThrow(error);
    const waiting = sleep(20);
    driver.fail(error);
    await expect(waiting).rejects.toThrow(error);
  });

  it('tells of one thing that went wrong once', async () => {
    const { clock, driver, sleep } = begun();
    const error = new Error('of a handler');
    clock.wakeAt(10, () => {
      throw error;
    });
    const passing = sleep(20).catch((caught) => driver.handOn(caught));
    await expect(sleep(20)).rejects.toThrow(error);
    await passing;
    await sleep(5);
    expect(clock.nowMs()).toBe(15);
  });

  it('tells of the same error each time that it happens', async () => {
    const { clock, sleep } = begun();
    const error = new Error('of a handler');
    const wrong = (): never => {
      throw error;
    };
    clock.wakeAt(10, wrong);
    clock.wakeAt(30, wrong);
    await expect(sleep(20)).rejects.toThrow(error);
    await expect(sleep(30)).rejects.toThrow(error);
  });

  it('says that nothing will ever happen, rather than to wait for it', async () => {
    const { driver } = begun();
    await expect(driver.until(() => {})).rejects.toThrow('nothing is left that could happen');
  });

  it('resolves what is done at once', async () => {
    expect(await begun().driver.until((done) => done(7))).toBe(7);
  });
});
