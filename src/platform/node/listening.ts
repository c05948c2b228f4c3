/** From what a listener is asked for to the address that is listened at. */
import { lookup } from 'node:dns';
import net from 'node:net';
import { CLOSED_EARLY, type Failure } from '../../core/base/failure.ts';
import type { ListenAddress, Listener } from '../../core/base/transport.ts';
import { listenFailure } from './socket-failures.ts';

/** A socket that listens. */
export interface Listening {
  readonly port: number;
  /** Its connections live on. */
  stop(): void;
}

/**
 * Listens at `at` by `open`, which is given an address, never a name, and throws the system's error
 * when it cannot.
 */
export function listenAt(
  at: ListenAddress,
  ready: (failure: Failure | null) => void,
  open: (address: string) => Listening,
): Listener {
  return new AddressListener(at, ready, open);
}

class AddressListener implements Listener {
  port = 0;
  private readonly at: ListenAddress;
  private readonly ready: (failure: Failure | null) => void;
  private readonly opener: (address: string) => Listening;
  private listening: Listening | null = null;
  private closed = false;

  constructor(
    at: ListenAddress,
    ready: (failure: Failure | null) => void,
    opener: (address: string) => Listening,
  ) {
    this.at = at;
    this.ready = ready;
    this.opener = opener;
    const { host } = at;
    if (host === null) queueMicrotask(() => this.open('::', '0.0.0.0'));
    else if (net.isIP(host) !== 0) queueMicrotask(() => this.open(host, null));
    else lookup(host, (error, address) => this.onAddress(error, address));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.listening?.stop();
  }

  private onAddress(error: NodeJS.ErrnoException | null, address: string): void {
    if (error === null || this.closed) this.open(address, null);
    else this.ready(listenFailure(error, this.at));
  }

  /** `otherwise`: the address to take where the first one's family is absent. */
  private open(address: string, otherwise: string | null): void {
    if (this.closed) {
      this.ready(CLOSED_EARLY);
      return;
    }
    try {
      this.listening = this.opener(address);
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException;
      const absent = error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL';
      if (absent && otherwise !== null) this.open(otherwise, null);
      else this.ready(listenFailure(error, this.at));
      return;
    }
    this.port = this.listening.port;
    this.ready(null);
  }
}
