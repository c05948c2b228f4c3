/**
 * What bodies are made of: bytes that depend on their place and on whose body it is, so that a
 * lost, doubled, moved or foreign byte is seen. In between lie pieces that look like protocol: a
 * request, a response, the end of a chunked body. Who loses count of a body runs into them.
 */
import { latin1 } from '../src/core/base/bytes.ts';
import { createRng } from '../src/core/base/rng.ts';

const PERIOD = 8191;

const TRAPS = [
  '\r\n0\r\n\r\n',
  'GET /smuggled HTTP/1.1\r\nHost: trap.test\r\nX-Nonce: smuggled\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX-Nonce: smuggled\r\nContent-Length: 4\r\n\r\ntrap',
  '0\r\n\r\nPOST /smuggled HTTP/1.1\r\nHost: trap.test\r\nContent-Length: 0\r\n\r\n',
].map(latin1);

const trapStarts: number[] = [];
const PATTERN = makePattern();

function makePattern(): Uint8Array {
  const rng = createRng(0x5eed);
  const bytes = new Uint8Array(PERIOD);
  for (let i = 0; i < PERIOD; i++) bytes[i] = rng.below(256);
  for (let at = 100, i = 0; at < PERIOD - 100; at += 150 + rng.below(200), i++) {
    bytes.set(TRAPS[i % TRAPS.length], at);
    trapStarts.push(at);
  }
  return bytes;
}

/** Where body number `n` begins; every third begins with a trap. */
export function patternStart(n: number): number {
  return n % 3 === 0 ? trapStarts[(n / 3) % trapStarts.length] : (n * 2_654_435) % PERIOD;
}

/** `length` bytes of the body that begins at `start`, from its byte `from` on. */
export function patternBytes(start: number, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let place = (start + from) % PERIOD;
  for (let i = 0; i < length; i++) {
    bytes[i] = PATTERN[place];
    if (++place === PERIOD) place = 0;
  }
  return bytes;
}

/** Compares a body that comes in parts with what it should be. */
export class BodyCheck {
  /** Bytes so far. */
  count = 0;
  /** The first byte that is not what it should be; -1: all are. */
  wrongAt = -1;
  private place: number;

  constructor(start: number) {
    this.place = start;
  }

  feed(bytes: Uint8Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      if (bytes[i] !== PATTERN[this.place] && this.wrongAt < 0) this.wrongAt = this.count;
      this.count += 1;
      if (++this.place === PERIOD) this.place = 0;
    }
  }
}
