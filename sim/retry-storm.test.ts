/**
 * Everything fails, and nobody stops asking: what the backends get then must not be much more than
 * what clients send. A request that a backend reads counts, whatever becomes of it.
 */
import { describe, expect, it } from 'vitest';
import { get, ok, type RawBackend, Stage } from '../test/engine-stage/engine-stage.ts';
import { retriesConfig } from '../test/fixtures/control-world.ts';
import type { SimClock } from './clock.ts';

/** Each time a new client asks. */
const EVERY_MS = 5;
const BACKENDS = 3;
/** What a pool may always spend in 10 s, however little goes through it. */
const FLOOR = 3;

/** What each backend does with a request. */
const fatesOf = (clock: SimClock) => ({
  'answers 503': (backend: RawBackend) => backend.answering(ANSWER),
  'asks to be left alone': (backend: RawBackend) =>
    backend.answering(ANSWER.replace('\r\n', '\r\nRetry-After: 1\r\n')),
  'resets connections': (backend: RawBackend) => {
    backend.onHead = (_head, { socket }) => socket.reset();
  },
  'says nothing': (backend: RawBackend) => {
    backend.onHead = () => {};
  },
  'is so slow that each request is hedged': (backend: RawBackend) => {
    backend.onHead = (_head, connection) =>
      void clock.wakeAt(clock.nowMs() + 200, () => connection.send(ok()));
  },
});
const ANSWER = 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';

type Fate = keyof ReturnType<typeof fatesOf>;
const FATES: readonly Fate[] = [
  'answers 503',
  'asks to be left alone',
  'resets connections',
  'says nothing',
  'is so slow that each request is hedged',
];

class Storm {
  readonly stage = new Stage({
    backends: BACKENDS,
    pool: {
      retries: retriesConfig({ attempts: 5, attemptTimeoutMs: 300 }),
      hedge: { afterMs: 100, quantile: null },
    },
  });
  /** Requests that clients have sent, and those that backends have read. */
  asked = 0;
  read = 0;
  private readonly backends: RawBackend[] = [];
  private readonly everyMs: number;

  constructor(everyMs = EVERY_MS) {
    this.everyMs = everyMs;
    for (let number = 1; number <= BACKENDS; number++) {
      this.backends.push(this.stage.backend(number));
    }
  }

  all(fate: (backend: RawBackend) => void): void {
    for (const backend of this.backends) {
      fate(backend);
      const { onHead } = backend;
      backend.onHead = (head, connection) => {
        this.read++;
        onHead(head, connection);
      };
    }
  }

  /** Clients ask for so long, in milliseconds, and are answered in the end. */
  blow(forMs: number): void {
    const { clock } = this.stage;
    for (const end = clock.nowMs() + forMs; clock.nowMs() < end; ) {
      const client = this.stage.client();
      client.onBytes = () => client.socket.close();
      client.send(get());
      this.asked++;
      this.stage.pass(this.everyMs - 1);
    }
    this.stage.pass(5000);
  }
}

describe('when every backend', () => {
  it.each(FATES)('%s, they get 1.2 times what is asked at most', (fate) => {
    const storm = new Storm();
    storm.all(fatesOf(storm.stage.clock)[fate]);
    storm.blow(10_000);
    const { asked, read, stage } = storm;
    expect(asked).toBeGreaterThan(1900);
    expect(read).toBeGreaterThan(1.15 * asked);
    expect(read).toBeLessThanOrEqual(1.2 * asked + 2 * FLOOR);
    expect(stage.records).toHaveLength(asked);
    expect(stage.leftovers()).toBe('');
  });

  it('fails for a minute and then is well again, nothing of the storm is left', () => {
    const storm = new Storm(40);
    storm.all(fatesOf(storm.stage.clock)['answers 503']);
    storm.blow(60_000);
    const { read, asked } = storm;
    expect(read).toBeLessThanOrEqual(1.2 * asked + 7 * FLOOR);
    storm.all((backend) => backend.answering(ok()));
    storm.blow(1000);
    expect(storm.read - read).toBe(storm.asked - asked);
    expect(storm.stage.leftovers()).toBe('');
  });
});
