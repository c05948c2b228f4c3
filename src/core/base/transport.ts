/**
 * The ports through which the engine sees the world. A platform (node, bun) and the simulator
 * implement them; `test/conformance/transport.ts` is the suite they all pass.
 *
 * Rules every implementation keeps:
 * - No handler method is ever called from inside `connect`, `write`, `end`, `close`, `reset`,
 *   `pause` or `resume`; what they cause arrives later, from the loop.
 * - `onOpen` (outgoing connections only) comes before `onData`, `onDrain` and `onEnd`.
 * - `onClose` is the last call, comes exactly once, and comes also after `close()` and `reset()`.
 * - After `close()` or `reset()` only `onClose` follows.
 * - Connections are half-open capable: `onEnd` does not close our side.
 */
import type { Failure } from './failure.ts';

/** The far end of an accepted connection. IPv4-mapped addresses are given as plain IPv4. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

export interface ListenAddress {
  /** An IP literal or name; null: every address, dual-stack. */
  readonly host: string | null;
  /** 0: any free port (tests). */
  readonly port: number;
}

export interface TlsTarget {
  /** SNI and the name the certificate must carry. An IP literal is checked, but not sent as SNI. */
  readonly serverName: string;
  readonly verify: boolean;
  /** PEM of the CAs to trust instead of the system's, or null. */
  readonly caPem: string | null;
}

/** Where to connect: always an address, never a name (names are resolved by the control thread). */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly tls: TlsTarget | null;
}

/** One TCP or TLS connection as the engine sees it. */
export interface Socket {
  /**
   * Sends bytes, in order. The caller may reuse them as soon as this returns. False: the
   * kernel did not take everything; what is left is kept, and `onDrain` tells when it is gone.
   * Ignored (returns true) after `end`, `close` or `reset`, or once the connection is gone.
   * `following` goes behind `bytes`, together with them rather than in a segment of its own. Where
   * it is a part of what `onData` delivers, what lies before it there is given up.
   */
  write(bytes: Uint8Array, following?: Uint8Array): boolean;
  /** Bytes accepted by `write` that the kernel has not taken yet. */
  unsentBytes(): number;
  /** Stops `onData`; at most one read's worth may still arrive before it takes effect. */
  pause(): void;
  resume(): void;
  /** FIN after everything written. Reading goes on. */
  end(): void;
  /** Sends what was written, then closes both directions. Nothing more is read. */
  close(): void;
  /** RST, at once (no TLS close_notify). What was not sent is dropped. */
  reset(): void;
  /**
   * The next `bytes` that come from here are only passed on to `to`: they may go there by
   * themselves, which `events` hears of, instead of being shown to `onData`. Any part of them may
   * still be shown, and is then not sent. Sockets that can only show have no such method.
   */
  relayTo?(to: Socket, bytes: number, events: RelayEvents): void;
}

/** What becomes of bytes that nobody looks at. */
export interface RelayEvents {
  /** `bytes` have gone where `write` puts them. `room`: what `write` would have returned. */
  onRelayed(bytes: number, room: boolean): void;
}

export interface SocketHandler {
  onOpen(): void;
  /** `bytes` are valid only during the call. */
  onData(bytes: Uint8Array): void;
  /** Everything written has been taken by the kernel (only after a `write` returned false). */
  onDrain(): void;
  /** The peer sent FIN. */
  onEnd(): void;
  /** The connection is gone. Null: closed in order; else why it failed. */
  onClose(failure: Failure | null): void;
}

export interface Listener {
  /** The port in use (the system's choice when 0 was asked for); 0 until `ready` was called. */
  readonly port: number;
  /** Stops accepting, at once. Connections live on. Idempotent. */
  close(): void;
}

export interface Transport {
  /**
   * `accept` is called for each connection and returns its handler. `ready` is called once: with
   * null when listening, else with the reason (`address_in_use`, `not_permitted`, ...).
   */
  listen(
    at: ListenAddress,
    accept: (socket: Socket, peer: Peer) => SocketHandler,
    ready: (failure: Failure | null) => void,
  ): Listener;
  /** Opens a connection: `onOpen` (after the TLS handshake, if any) or `onClose(failure)`. */
  connect(to: Target, handler: SocketHandler): Socket;
}

/** Looks a host name up. `done` is called once, later. Addresses are in the order to be tried. */
export interface Resolver {
  resolve(
    name: string,
    done: (addresses: readonly string[], failure: Failure | null) => void,
  ): void;
}
