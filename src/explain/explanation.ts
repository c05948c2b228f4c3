/**
 * What became of a request, as data, verb by verb: accept, parse, route, pick, connect, relay, log.
 * Null: it never came to that. `evenkeel explain --json` prints it as it is.
 */
import type { stateName } from '../core/table/table.ts';
import type { ExchangeRecord } from '../core/telemetry/log.ts';

export interface Explanation {
  readonly accept: Accepted;
  readonly parse: Parsed;
  readonly route: Routed | null;
  readonly pick: Picked | null;
  /** One for each attempt. */
  readonly connect: readonly Attempt[];
  readonly relay: Relayed | null;
  readonly log: Logged;
}

export interface Accepted {
  /** `*:8080`. */
  readonly listener: string;
  /** Who connected. */
  readonly peer: string;
  /** One of `trusted_proxies`. */
  readonly trusted: boolean;
  /** Who it is for: behind a trusted proxy somebody else. */
  readonly client: string;
}

export interface Parsed {
  /** As sent, without its line end. */
  readonly requestLine: string;
  /** Null: it was refused. */
  readonly facts: RequestMeaning | null;
  readonly refused: Refused | null;
}

/** What the request means to a balancer. */
export interface RequestMeaning {
  /** Empty: it names none (HTTP/1.0). */
  readonly host: string;
  readonly path: string;
  readonly body: 'none' | 'length' | 'chunked' | 'untilClose';
  readonly contentLength: number;
  readonly idempotent: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
}

/** A rule of the wire that the request breaks (`test/wire`). */
export interface Refused {
  readonly status: number;
  readonly rule: string;
  readonly what: string;
  /** The offset in what the client sent. */
  readonly byte: number;
  /** The line around it, and where in it that byte is. */
  readonly line: string;
  readonly column: number;
}

export interface Routed {
  /** Routes that were passed over, in order, and the one that matched. */
  readonly routes: readonly TriedRoute[];
  /** Null: none matched. */
  readonly pool: string | null;
  readonly limits: readonly CountedLimit[];
  /** Why it went no further; null: it did. */
  readonly failure: string | null;
}

export interface TriedRoute {
  /** Counted from 1. */
  readonly number: number;
  readonly hosts: readonly string[];
  readonly path: string;
  readonly pool: string;
  /** Null: it matches. */
  readonly differs: 'host' | 'path' | 'host and path' | null;
}

/** A rate limit of the route. */
export interface CountedLimit {
  /** `20/min, 20 at once, by client_address`. */
  readonly limit: string;
  /** What was counted; null: the request has no such part, and is let through. */
  readonly key: string | null;
}

export interface Picked {
  readonly policy: string;
  /** Chance is drawn from it. */
  readonly seed: number;
  readonly key: PickKey | null;
  readonly sticky: Sticky | null;
  /** By what its sessions are remembered, `header:x-session`; null: they are not. */
  readonly remembered: string | null;
  readonly candidates: readonly Candidate[];
  /** Whom the policy considered for the first attempt, in that order; empty: it looks at nobody. */
  readonly considered: readonly string[];
  /** How it chose, in a sentence. */
  readonly how: string;
  /** By key: where this request would go if its backend were down; null: nowhere. */
  readonly otherwise: string | null;
  /** Where more requests like it would go: names of backends, or statuses of our own. */
  readonly next: readonly string[];
}

/** What a hashing policy goes by. */
export interface PickKey {
  /** `header:x-user-id`. */
  readonly by: string;
  /** Null: the request has no such part, and is sent in turn. */
  readonly value: string | null;
  /** 31 bits; null without a value. */
  readonly hash: number | null;
  /** Where that lies among the policy's places; null: it has none. */
  readonly place: number | null;
  readonly places: number | null;
  /** Whose place it is: with a bound on loads it may have to leave the request to others. */
  readonly owner: string | null;
}

export interface Sticky {
  readonly cookie: string;
  /** The backend that the request's cookie names; null: it names none of the pool. */
  readonly home: string | null;
  /** `Set-Cookie` of the answer; null: the client keeps what it has. */
  readonly set: string | null;
}

export interface Candidate {
  readonly backend: string;
  readonly url: string;
  readonly state: ReturnType<typeof stateName>;
  /** As it counts now: levels and slow starts change it. */
  readonly weight: number;
  readonly inFlight: number;
  /** What the policy compares; null: it compares nothing of the kind. Less is better. */
  readonly score: number | null;
  /** Why it could not be picked; null: it could. */
  readonly why: string | null;
}

export interface Attempt {
  readonly backend: string;
  readonly url: string;
  /** Addresses that were connected to, in order. */
  readonly addresses: readonly string[];
  /** The name in the backend's certificate; null: no TLS. */
  readonly serverName: string | null;
  /** Null: it was answered. */
  readonly failure: string | null;
}

export interface Relayed {
  readonly backend: string;
  /** The head as it is sent, one line each. */
  readonly head: readonly string[];
  /** Lines of the request that were left out. */
  readonly left: readonly string[];
  /** Lines that the request did not have. */
  readonly added: readonly string[];
}

export interface Logged
  extends Pick<ExchangeRecord, 'status' | 'pool' | 'backend' | 'attempts' | 'requestId'> {
  /** `ok`, or how it failed: docs/log.md. */
  readonly end: string;
  readonly cause: string | null;
}
