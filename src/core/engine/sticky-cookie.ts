/**
 * The cookie by which a client stays on its backend (docs/decisions/stickiness.md). Its value is a
 * keyed hash of what the backend is called, so it names the same backend in every worker, after a
 * reload and a restart, and nobody without the secret can make one or learn anything from it.
 */
import { latin1, utf8 } from '../base/bytes.ts';
import { type SipHash, type SipKey, sipHash, sipKeyOf } from '../base/siphash.ts';
import type { StickyCookieConfig } from '../config.ts';
import { type CookieTaker, takeCookies } from '../http/cookies.ts';
import type { Head } from '../http/head.ts';
import { type Backend, identity } from '../table/backend.ts';

/** A value is the 64 bits of a hash in small hexadecimal digits. */
const DIGITS = 16;

/** A backend's cookie as it is sent, to a client that came by http or by https. */
interface Values {
  readonly plain: Uint8Array;
  readonly secure: Uint8Array;
}

export class StickyCookie implements CookieTaker {
  private readonly config: StickyCookieConfig;
  private readonly backends: readonly Backend[];
  private readonly values = new Map<Backend, Values>();
  /** The halves of their hashes, in the order of `backends`. */
  private readonly highs: Int32Array;
  private readonly lows: Int32Array;
  /** The first backend that the cookies of the request name. */
  private found: Backend | null = null;

  /** `pool`: its name; another pool's cookies mean nothing here. */
  constructor(config: StickyCookieConfig, pool: string, backends: readonly Backend[]) {
    this.config = config;
    this.backends = backends;
    const key = sipKeyOf(config.secret ?? '');
    const hashes = backends.map((backend) => hashOf(key, pool, backend));
    backends.forEach((backend, i) => {
      const cookie = `${config.cookie}=${hex(hashes[i])}${attributes(config)}`;
      this.values.set(backend, { plain: latin1(cookie), secure: latin1(`${cookie}; Secure`) });
    });
    this.highs = Int32Array.from(hashes, ({ high }) => high);
    this.lows = Int32Array.from(hashes, ({ low }) => low);
  }

  /** The backend the request's cookie names, or null. The cookie is taken out of the head. */
  homeOf(head: Head): Backend | null {
    this.found = null;
    takeCookies(head, this.config.cookie, this);
    return this.found;
  }

  taken(bytes: Uint8Array, start: number, end: number): void {
    if (this.found !== null || end - start !== DIGITS) return;
    if (!isHex(bytes, start, end)) return;
    const high = parseHex(bytes, start);
    const low = parseHex(bytes, start + DIGITS / 2);
    const { highs, lows } = this;
    for (let i = highs.indexOf(high); i !== -1; i = highs.indexOf(high, i + 1)) {
      if (lows[i] === low) this.found = this.backends[i];
    }
  }

  /** What Set-Cookie says so that the client stays there; null: the backend has left the pool. */
  valueFor(backend: Backend, secure: boolean): Uint8Array | null {
    const values = this.values.get(backend);
    if (values === undefined) return null;
    return secure ? values.secure : values.plain;
  }
}

const hashOf = (key: SipKey, pool: string, backend: Backend): SipHash =>
  sipHash(key, utf8(`${pool}\0${identity(backend.config)}`));

function attributes({ maxAgeMs }: StickyCookieConfig): string {
  const age = maxAgeMs === null ? '' : `; Max-Age=${Math.floor(maxAgeMs / 1000)}`;
  return `; Path=/; HttpOnly; SameSite=Lax${age}`;
}

const hex = ({ high, low }: SipHash): string => halfHex(high) + halfHex(low);

const halfHex = (half: number): string => (half >>> 0).toString(16).padStart(DIGITS / 2, '0');

function isHex(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (digit(bytes[at]!) === -1) return false;
  return true;
}

/** Eight digits, as a signed word. */
function parseHex(bytes: Uint8Array, start: number): number {
  let word = 0;
  for (let at = start; at < start + DIGITS / 2; at++) word = (word << 4) | digit(bytes[at]!);
  return word;
}

function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}
