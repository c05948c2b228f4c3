/**
 * What an exchange needs of the two connections it lies between. HTTP/1 implements both here; other
 * protocols plug in at the same two seams. Body bytes are valid only during the call.
 */
import type { Failure } from '../base/failure.ts';
import type { RelayEvents, Socket } from '../base/transport.ts';
import type { Head } from '../http/head.ts';
import type { ResponseFacts } from '../http/response-facts.ts';

/** Who is at the other end of a client's connection. */
export interface ClientPeer {
  readonly address: string;
  /** Whom limits take for one client: `clientNetwork` of the address. */
  readonly network: string;
  readonly scheme: 'http' | 'https';
  /** One of `trusted_proxies`: its forwarding headers are believed. */
  readonly trusted: boolean;
  /** What `strangerLines` made for it. */
  readonly strangerLines: Uint8Array;
}

/** A finished answer of our own. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** `Allow`, `Retry-After`: finished lines, each with CR LF. */
  readonly fields: string;
}

/** Where the request came from and the response goes. */
export interface ClientSide {
  /** Sends an interim response (1xx). */
  interim(head: Head): void;
  /**
   * Sends the final head; it may be held until `body` or `flush`. `cookie`: what a Set-Cookie of
   * ours says, or null.
   */
  respond(head: Head, facts: ResponseFacts, cookie: Uint8Array | null): void;
  /** After `respond`: true if the body is wanted in wire form (see BodyReader). */
  readonly takesWire: boolean;
  /** False: the exchange hears `onClientDrain` when there is room again. */
  body(bytes: Uint8Array, start: number, end: number): boolean;
  /** The response is whole. */
  finish(trailers: Head | null): void;
  /** Sends what was held to go out together with what came next. */
  flush(): void;
  /** The next `bytes` of the body come from `from`, and may go out by themselves (see Socket). */
  relay(from: Socket, bytes: number, events: RelayEvents): void;
  /** They did, so many of them. */
  relayed(bytes: number, room: boolean): void;
  /** Our own answer, whole. */
  answer(answer: Answer): void;
  /** The response cannot be made whole: the client must see that it is broken. */
  breakOff(): void;
  /** Answers 101 and lets bytes through as they are, both ways. */
  openTunnel(head: Head, cookie: Uint8Array | null): void;
  /** No more of the request's body for now; and again. */
  pauseBody(): void;
  resumeBody(): void;
}

/** One attempt's connection to a backend. */
export interface BackendSide {
  /** It has carried an exchange before: a close before any answer may just be its idle time. */
  readonly reused: boolean;
  /** Request bytes have been handed to the socket. */
  readonly touched: boolean;
  /** Bytes of an answer have come. */
  readonly heard: boolean;
  /** Sends the request head; it may be held until `body` or `flush`. */
  begin(): void;
  /** False: the exchange hears `onBackendDrain` when there is room again. */
  body(bytes: Uint8Array, start: number, end: number): boolean;
  /** The request is whole. */
  finish(trailers: Head | null): void;
  flush(): void;
  /** From now on bytes go as they are, both ways. */
  openTunnel(): void;
  /** The tunnel is over: closes after what was written. */
  release(): void;
  /** The exchange is over before its time: this connection is not used again. */
  abandon(): void;
  /** From within `onResponse`: the response is not wanted, and the side lets go of the attempt. */
  discard(): void;
  /** No more of the response's body for now; and again. */
  pauseBody(): void;
  resumeBody(): void;
}

/** What an attempt hears from its backend's side: how it came there, and how it was answered. */
export interface AttemptEvents {
  onBackendOpen(side: BackendSide): void;
  onInterim(head: Head): void;
  onResponse(head: Head, facts: ResponseFacts): void;
  /** The attempt failed; the side has let go of it. */
  onBackendFailure(failure: Failure): void;
}

/** What an exchange hears from the backend's side of the attempt that it relays. */
export interface BackendEvents {
  /** The backend does not take the request as fast as it comes; and it does again. */
  onBackendFull(): void;
  onBackendDrain(): void;
  onResponseBody(bytes: Uint8Array, start: number, end: number): boolean;
  /** Of the next `bytes` from `from`, which are all body, `events` is told those not shown. */
  onResponseRest(from: Socket, bytes: number, events: RelayEvents): void;
  onResponseRelayed(bytes: number, room: boolean): void;
  /** The response is whole; the side has let go of the exchange. */
  onResponseEnd(trailers: Head | null): void;
}
