/**
 * One request of a simulated client: what is sent, what answer it asks for, and everything that is
 * known of its fate at either end. The truth that checkers compare with.
 */
import type { Rng } from '../src/core/base/rng.ts';
import type { Backend } from './backend.ts';
import { pick, type SimOptions } from './options.ts';
import { patternStart } from './pattern.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT';

/** How a backend is to answer when nothing comes between. */
export interface AnswerPlan {
  readonly status: number;
  readonly framing: 'length' | 'chunked' | 'close';
  readonly bodyBytes: number;
  readonly trailer: boolean;
  readonly interims: number;
  /** When the request's head is there, or when it is whole. */
  readonly early: boolean;
  /** The answer's body is the request's. */
  readonly echo: boolean;
  /** The echo begins with the first byte of the request's body. */
  readonly streams: boolean;
  /** An upgrade is granted. */
  readonly switches: boolean;
  /** What comes through the tunnel is sent back when all of it has come; else piece by piece. */
  readonly late: boolean;
  /** It is written in this many parts, with pauses. */
  readonly parts: number;
  readonly close: boolean;
}

/** A request as one backend saw it. */
export interface Arrival {
  readonly backend: Backend;
  /** Number of the connection, over all backends. */
  readonly connection: number;
  whole: boolean;
}

/** An answer as a backend sent it. */
export interface Sent {
  readonly connection: number;
  readonly status: number;
  /** Bytes of body on the wire; -1: none is read, it answers a HEAD. */
  bodyBytes: number;
  /** All of it has been written, and whoever reads it strictly finds it complete. */
  whole: boolean;
  readonly trailer: boolean;
}

/** An answer as the client saw it. */
export interface Answer {
  readonly status: number;
  /** Null: made by the balancer itself. */
  readonly nonce: string | null;
  /** What the balancer's cookie has been set to; null: it has not. */
  readonly cookie: string | null;
  bodyBytes: number;
  /** The first byte of the body that is wrong; -1: none. */
  wrongAt: number;
  whole: boolean;
  trailer: string | null;
}

/**
 * - `planned`: not begun; `sending`: bytes have been handed to the network;
 * - `answered`, `broken` (the connection visibly failed), `forsaken` (the client itself broke it).
 */
export type Fate = 'planned' | 'sending' | 'answered' | 'broken' | 'forsaken';

export class Request {
  readonly number: number;
  readonly nonce: string;
  readonly method: Method;
  readonly target: string;
  /** HTTP/1.0. */
  readonly old: boolean;
  readonly framing: 'none' | 'length' | 'chunked';
  readonly bodyBytes: number;
  readonly trailer: boolean;
  readonly expect: boolean;
  readonly upgrade: boolean;
  readonly close: boolean;
  /** Bytes for the tunnel that are sent right behind the request. */
  readonly early: number;
  readonly plan: AnswerPlan;
  /** What is wrong with it on purpose. */
  hostile: 'ambiguous' | 'bad-chunk' | null = null;

  /** The value of the balancer's cookie that it is sent with; null: none. */
  cookie: string | null = null;
  /** The session that it belongs to, as it says; null: to none. */
  session: string | null = null;
  /** That which the last backend it came to makes of it; null: it leaves it at that. */
  madeSession: string | null = null;
  fate: Fate = 'planned';
  /** As of the clock that does not jump. */
  begunMs = 0;
  /** Milliseconds since 1970. */
  begunWallMs = 0;
  /** The balancer's address to which it was sent. */
  at = '';
  /** The worker that had it died before its line was logged. */
  orphaned = false;
  /** Its last byte has been handed to the network. */
  sentWhole = false;
  readonly arrivals: Arrival[] = [];
  readonly sent: Sent[] = [];
  answer: Answer | null = null;
  /** Bytes that came back through its tunnel. */
  tunnelled = 0;
  logged = 0;

  constructor(number: number, rng: Rng, options: SimOptions) {
    this.number = number;
    this.nonce = `r${number}`;
    this.target = `/${this.nonce}${rng.chance(1, 4) ? '/deep/path?x=1' : ''}`;
    this.method = pick<Method>(rng, ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT']);
    const hasBody = this.method === 'POST' || this.method === 'PUT';
    this.old = rng.chance(1, 15);
    this.upgrade = this.method === 'GET' && !this.old && rng.chance(1, 20);
    const chunked = hasBody && !this.old && rng.chance(1, 2);
    this.framing = hasBody ? (chunked ? 'chunked' : 'length') : 'none';
    this.bodyBytes = hasBody || this.upgrade ? drawSize(rng, options.largestBody) : 0;
    this.trailer = chunked && rng.chance(1, 3);
    this.expect = this.bodyBytes > 0 && hasBody && !this.old && rng.chance(1, 6);
    this.close = rng.chance(1, 8);
    this.plan = drawAnswer(rng, options, this);
    // Where the switch may fail they would be taken for another request.
    const mayBeEarly = options.calm && this.plan.switches && rng.chance(1, 3);
    this.early = mayBeEarly ? rng.below(this.bodyBytes + 1) : 0;
  }

  get idempotent(): boolean {
    return this.method !== 'POST';
  }

  get requestStart(): number {
    return patternStart(2 * this.number);
  }

  get answerStart(): number {
    return this.plan.echo ? this.requestStart : patternStart(2 * this.number + 1);
  }

  get ended(): boolean {
    return this.fate === 'answered' || this.fate === 'broken' || this.fate === 'forsaken';
  }
}

function drawSize(rng: Rng, largest: number): number {
  const kind = rng.below(8);
  if (kind === 0) return 0;
  if (kind === 1) return 1 + rng.below(largest);
  return 1 + rng.below(Math.min(largest, 1500));
}

function drawAnswer(rng: Rng, options: SimOptions, request: Request): AnswerPlan {
  const uploads = request.framing !== 'none' && request.bodyBytes > 0;
  const echo = uploads && rng.chance(1, 3);
  const status = echo ? 200 : pick(rng, [200, 200, 200, 200, 201, 204, 304, 404, 500]);
  const framing = pick(rng, ['length', 'length', 'chunked', 'chunked', 'close'] as const);
  const streams = echo && framing === 'chunked' && rng.chance(1, 2);
  return {
    status,
    framing,
    bodyBytes: echo ? request.bodyBytes : drawSize(rng, options.largestBody),
    trailer: framing === 'chunked' && !streams && rng.chance(1, 4),
    interims: rng.chance(1, 10) ? 1 + rng.below(3) : 0,
    early: uploads && !echo && rng.chance(1, 10),
    echo,
    streams,
    switches: request.upgrade && rng.chance(4, 5),
    late: rng.chance(1, 3),
    parts: rng.chance(1, 3) ? 2 + rng.below(3) : 1,
    close: framing === 'close' || rng.chance(1, 15),
  };
}
