/**
 * Sessions that stay on their backends by a value of the application's own: a header or a cookie of
 * the requests, which the backends may have made themselves (docs/decisions/stickiness.md). The
 * value's hash is remembered in memory that all workers share.
 */
import { equalsIgnoringCase } from '../base/bytes.ts';
import type { StickySessionsConfig } from '../config.ts';
import { hashKeyOf, NO_KEY } from '../http/hash-key.ts';
import type { Head } from '../http/head.ts';
import { valueNamed } from '../http/named-value.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import type { Backend } from '../table/backend.ts';
import { SessionTable } from '../table/session-table.ts';
import { SecretHash } from './secret-hash.ts';

const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;

export class StickySessions {
  private readonly config: StickySessionsConfig;
  private readonly table: SessionTable;
  private readonly hash: SecretHash;
  private readonly bySlot: ReadonlyMap<number, Backend>;
  private readonly wallMs: () => number;

  /** `memory`: of `createSessionMemory`; a session belongs to one of these backends. */
  constructor(
    config: StickySessionsConfig,
    memory: ArrayBufferLike,
    backends: readonly Backend[],
    wallMs: () => number,
  ) {
    this.config = config;
    this.table = new SessionTable(memory, config.idleMs);
    this.hash = new SecretHash(this.table);
    this.bySlot = new Map(backends.map((backend) => [backend.slot, backend]));
    this.wallMs = wallMs;
  }

  /** Where the request's session belongs; null: it has none, or nobody knows. */
  homeOf(request: Head, facts: RequestFacts): Backend | null {
    const place = this.placeOf(request, facts);
    return place === NO_KEY ? null : this.find(place);
  }

  /**
   * `backend` has answered a request whose session belonged to `home` when it was sent. The session
   * that it names, or else the request's own, belongs to it from now on.
   */
  answered(
    request: Head,
    facts: RequestFacts,
    response: Head,
    home: Backend | null,
    backend: Backend,
  ): void {
    const made = this.config.learn ? this.placeMade(response) : NO_KEY;
    if (made !== NO_KEY) {
      this.put(made, backend);
      return;
    }
    if (home === backend) return;
    const place = this.placeOf(request, facts);
    if (place === NO_KEY) return;
    // Another exchange of the session may have been answered meanwhile: the first one counts.
    const now = this.find(place);
    if (now === null || now === home) this.put(place, backend);
  }

  private find(place: number): Backend | null {
    const { table } = this;
    if (!table.find(place, this.hash.word, this.wallMs())) return null;
    const backend = this.bySlot.get(table.slot);
    return backend?.generation === table.generation ? backend : null;
  }

  private put(place: number, { slot, generation }: Backend): void {
    this.table.put(place, this.hash.word, slot, generation, this.wallMs());
  }

  private placeOf(request: Head, facts: RequestFacts): number {
    return hashKeyOf(this.config.key, request, facts, '', this.hash);
  }

  /** Of the value that the response gives to the client, the last one if there are several. */
  private placeMade(response: Head): number {
    const { kind, name } = this.config.key;
    const { bytes } = response;
    const field = kind === 'cookie' ? 'set-cookie' : name;
    for (let at = response.fieldCount - 1; at >= 0; at--) {
      if (!equalsIgnoringCase(bytes, response.nameStart(at), response.nameEnd(at), field)) continue;
      const start = response.valueStart(at);
      const end = response.valueEnd(at);
      const place =
        kind === 'header' ? this.hashOf(bytes, start, end) : this.hashOfCookie(bytes, start, end);
      if (place !== NO_KEY) return place;
    }
    return NO_KEY;
  }

  /** Of the value that a Set-Cookie in bytes[start, end) gives to this cookie. */
  private hashOfCookie(bytes: Uint8Array, start: number, end: number): number {
    let stop = start;
    while (stop < end && bytes[stop] !== SEMICOLON) stop++;
    while (stop > start && (bytes[stop - 1] === SPACE || bytes[stop - 1] === TAB)) stop--;
    const valueAt = valueNamed(bytes, start, stop, this.config.key.name);
    return valueAt === -1 ? NO_KEY : this.hashOf(bytes, valueAt, stop);
  }

  /** An empty value is none: so cookies are taken away. */
  private hashOf(bytes: Uint8Array, start: number, end: number): number {
    return start === end ? NO_KEY : this.hash.bytes(bytes, start, end) >>> 1;
  }
}
