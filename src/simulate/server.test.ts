import { describe, expect, it } from 'vitest';
import { LoadMeter } from '../core/balancing/load-meter.ts';
import type { Service } from './scenario.ts';
import { DONE, Job, Server } from './server.ts';
import { Timeline } from './timeline.ts';

const SERVICE: Service = { meanMs: 10, distribution: 'constant', concurrency: 2, errors: 0 };

/** A server, and what becomes of its jobs, by name and time. */
function world(changes: Partial<Service> = {}, meter: LoadMeter | null = null) {
  const timeline = new Timeline(0);
  const server = new Server('server-1', 0, { ...SERVICE, ...changes }, timeline, meter);
  const history: string[] = [];
  const jobs: TestJob[] = [];
  class TestJob extends Job {
    done(): void {
      history.push(`${this.index} done ${timeline.nowMs()}`);
    }
    broken(): void {
      history.push(`${this.index} broken ${timeline.nowMs()}`);
    }
  }
  const take = (): TestJob => {
    const job = new TestJob(jobs.length);
    jobs.push(job);
    server.take(job);
    return job;
  };
  const pass = (untilMs: number): void => {
    while (timeline.take(untilMs)) {
      const job = jobs[timeline.index];
      if (timeline.kind === DONE && job.serial === timeline.serial) server.finish(job);
    }
  };
  return { server, history, take, pass };
}

describe('a server', () => {
  it('works on so many at once, and on the others in turn', () => {
    const { history, take, pass } = world();
    for (let n = 0; n < 5; n++) take();
    pass(100);
    expect(history).toEqual(['0 done 10', '1 done 10', '2 done 20', '3 done 20', '4 done 30']);
  });

  it('works on any number at once where nothing bounds it', () => {
    const { history, take, pass } = world({ concurrency: Number.POSITIVE_INFINITY });
    for (let n = 0; n < 3; n++) take();
    pass(100);
    expect(history).toEqual(['0 done 10', '1 done 10', '2 done 10']);
  });

  it('gets slower also with what it has begun, and faster again', () => {
    const { server, history, take, pass } = world({ concurrency: 1 });
    take();
    take();
    pass(5);
    server.setSlowness(4);
    pass(25);
    expect(history).toEqual(['0 done 25']);
    pass(35);
    server.setSlowness(1);
    pass(100);
    expect(history).toEqual(['0 done 25', '1 done 42.5']);
  });

  it('hangs: what it has begun ends, and nothing else until it goes on', () => {
    const { server, history, take, pass } = world({ concurrency: 1 });
    take();
    take();
    server.setHangs(true);
    pass(50);
    expect(history).toEqual(['0 done 10']);
    server.setHangs(false);
    pass(100);
    expect(history).toEqual(['0 done 10', '1 done 60']);
  });

  it('breaks all that it has when it goes down', () => {
    const { server, history, take, pass } = world({ concurrency: 1 });
    take();
    take();
    pass(5);
    server.setDown(true);
    expect(history).toEqual(['0 broken 5', '1 broken 5']);
    expect([...server.jobs()]).toEqual([]);
    server.setDown(false);
    take();
    pass(100);
    expect(history.slice(2)).toEqual(['2 done 15']);
  });

  it('goes on with the next one when nobody waits for one any more', () => {
    const { server, history, take, pass } = world({ concurrency: 1 });
    const first = take();
    take();
    const third = take();
    take();
    pass(4);
    server.drop(third);
    server.drop(first);
    pass(100);
    expect(history).toEqual(['1 done 14', '3 done 24']);
  });

  it('reports what was there when it answered, if it measures that', () => {
    const meter = new LoadMeter();
    const { server, take, pass } = world({ concurrency: 1 }, meter);
    take();
    take();
    pass(10);
    expect(server.report).toBe('in_flight=1, latency_ms=0');
    expect(meter.inFlight).toBe(1);
    pass(20);
    expect(server.report).toBe('in_flight=0, latency_ms=10');
  });
});
