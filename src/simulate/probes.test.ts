import { describe, expect, it } from 'vitest';
import { latin1, toLatin1 } from '../core/base/bytes.ts';
import { createRng } from '../core/base/rng.ts';
import type { Socket } from '../core/base/transport.ts';
import { ProbeTransport } from './probes.ts';
import { DONE, type Job, Server } from './server.ts';
import { Timeline } from './timeline.ts';

/** One server at 10.254.0.0, and what a probe of it hears. */
function world() {
  const timeline = new Timeline(0);
  const service = { meanMs: 10, distribution: 'constant', concurrency: 1, errors: 0 } as const;
  const server = new Server('server-1', 0, service, timeline, null);
  const jobs: (Job | null)[] = [];
  const transport = new ProbeTransport({
    timeline,
    rng: createRng(1),
    serverOf: (address) => (address === '10.254.0.0' ? server : null),
    enrol: (make) => {
      const job = make(jobs.length);
      jobs.push(job);
      return job;
    },
    retire: ({ index }) => {
      jobs[index] = null;
    },
    expectedStatus: () => 204,
  });
  const heard: string[] = [];
  const probe = (address = '10.254.0.0'): Socket => {
    const socket: Socket = transport.connect(
      { address, port: 80, tls: null },
      {
        onOpen: () => {
          heard.push('open');
          socket.write(latin1('GET / HTTP/1.1\r\n\r\n'));
        },
        onData: (bytes) => void heard.push(toLatin1(bytes).split('\r\n')[0]),
        onDrain: () => {},
        onEnd: () => {
          heard.push(`end ${timeline.nowMs()}`);
          socket.close();
        },
        onClose: (failure) => void heard.push(`close ${failure?.kind ?? 'in order'}`),
      },
    );
    return socket;
  };
  const pass = (untilMs: number): void => {
    while (timeline.take(untilMs)) {
      const job = jobs[timeline.index];
      if (timeline.kind === DONE && job?.serial === timeline.serial) server.finish(job);
    }
  };
  return { server, heard, probe, pass, living: () => jobs.filter((job) => job !== null).length };
}

describe('a probe', () => {
  it('waits in turn, and is answered as its check expects', () => {
    const { heard, probe, pass, living } = world();
    probe();
    probe();
    pass(100);
    expect(heard).toEqual([
      'open',
      'open',
      'HTTP/1.1 204 OK',
      'end 10',
      'close in order',
      'HTTP/1.1 204 OK',
      'end 20',
      'close in order',
    ]);
    expect(living()).toBe(0);
  });

  it('is refused by who is down, and where nobody is', () => {
    const { server, heard, probe, pass } = world();
    server.setDown(true);
    probe();
    probe('10.254.9.9');
    pass(1);
    expect(heard).toEqual(['close refused', 'close refused']);
  });

  it('is broken by who goes down meanwhile', () => {
    const { server, heard, probe, pass, living } = world();
    probe();
    pass(5);
    server.setDown(true);
    pass(100);
    expect(heard).toEqual(['open', 'close reset']);
    expect(living()).toBe(0);
  });

  it('leaves its place when it is given up', () => {
    const { server, heard, probe, pass } = world();
    const socket = probe();
    pass(5);
    socket.reset();
    socket.reset();
    pass(100);
    expect(heard).toEqual(['open', 'close in order']);
    expect([...server.jobs()]).toEqual([]);
  });
});
