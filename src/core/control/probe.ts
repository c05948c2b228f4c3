/**
 * One probe of one backend: a fresh connection, its addresses in order, one outcome. What is said
 * over the connection depends on the kind of the health check (conversation.ts). The timeout covers
 * all of it. It says what it saw and decides nothing.
 */

import type { ReportedLoad } from '../balancing/balancing.ts';
import type { Alarm, Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Socket, SocketHandler, Target, Transport } from '../base/transport.ts';
import type { ProbeConfig } from '../config.ts';
import type { Evidence } from '../health/tracker.ts';
import { type Backend, tlsTargetOf } from '../table/backend.ts';
import { BODY_BYTES } from './answer-body.ts';
import { type Conversation, conversationWith } from './conversation.ts';
import { list, spellAddress, spellDuration } from './wording.ts';

/** `void`: nothing was learned about the backend; it was our own fault. */
export type Outcome = Evidence | { readonly kind: 'void'; readonly why: string };

/** Called from the loop, never from within `new Probe` or `abort`. */
export interface ProbeEvents {
  connected(address: string): void;
  connectFailed(address: string, failure: Failure): void;
  /** What a good answer says of the backend's load; before `done`. */
  reported(load: ReportedLoad): void;
  /** Once, unless the probe was aborted. */
  done(outcome: Outcome): void;
}

/** A wake-up later than this says more about us than about the backend. */
const LATE_MS = 250;

/** Without a health check, how long a suspect may take to accept a connection. */
export const TCP_PROBE_TIMEOUT_MS = 2000;

export class Probe {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly backend: Backend;
  private readonly check: ProbeConfig | null;
  private readonly conversation: Conversation | null;
  private readonly events: ProbeEvents;
  private readonly addresses: readonly string[];
  private readonly deadlineMs: number;
  private readonly deadline: Alarm;
  private connectAlarm: Alarm | null = null;
  /** How many addresses have been tried; the last of them is the current one. */
  private tried = 0;
  private readonly failures: Failure[] = [];
  private socket: Socket | null = null;
  private opened = false;
  private decided = false;

  /** Starts at once. The backend has at least one address. `check`: null: it only connects. */
  constructor(
    transport: Transport,
    clock: Clock,
    backend: Backend,
    check: ProbeConfig | null,
    events: ProbeEvents,
  ) {
    this.transport = transport;
    this.clock = clock;
    this.backend = backend;
    this.check = check;
    this.conversation = conversationWith(backend, this.check);
    this.events = events;
    this.addresses = backend.addresses;
    this.deadlineMs = clock.nowMs() + this.timeoutMs();
    this.deadline = clock.wakeAt(this.deadlineMs, () => this.timedOut());
    this.tryNext();
  }

  /** No outcome yet. Afterwards it may still read the rest of an answer, until `abort`. */
  get inFlight(): boolean {
    return !this.decided;
  }

  /** Ends it, without an outcome if there was none yet, and its connection. Idempotent. */
  abort(): void {
    this.decided = true;
    this.stopAlarms();
    this.socket?.reset();
    this.socket = null;
  }

  private timeoutMs(): number {
    return this.check?.timeoutMs ?? TCP_PROBE_TIMEOUT_MS;
  }

  private tryNext(): void {
    const left = this.addresses.length - this.tried;
    if (left === 0) {
      this.finish(nothingConnected(this.failures, this.addresses, this.backend.config.port));
      return;
    }
    const address = this.addresses[this.tried++];
    if (left > 1) {
      // An address that swallows packets must leave time for the others.
      const nowMs = this.clock.nowMs();
      const byMs = nowMs + (this.deadlineMs - nowMs) / left;
      this.connectAlarm = this.clock.wakeAt(byMs, () => this.connectTooSlow());
    }
    this.socket = this.transport.connect(this.target(address), this.handler(address));
  }

  private target(address: string): Target {
    const { backend } = this;
    return { address, port: backend.config.port, tls: tlsTargetOf(backend) };
  }

  private handler(address: string): SocketHandler {
    const attempt = this.tried;
    const current = (): boolean => !this.decided && attempt === this.tried;
    let received = 0;
    return {
      onOpen: () => {
        if (current()) this.connected(address);
      },
      onData: (bytes) => {
        received += bytes.length;
        if (current()) this.heard(bytes);
        // The rest is read so that the backend need not see a reset; not without end.
        if (this.decided && received > BODY_BYTES) this.socket?.close();
      },
      onDrain: () => {},
      onEnd: () => {
        if (current() && this.conversation !== null) this.finish(this.conversation.ended());
        else this.socket?.close();
      },
      onClose: (failure) => {
        if (attempt !== this.tried) return;
        this.socket = null;
        if (this.decided) this.stopAlarms();
        else this.closed(address, failure);
      },
    };
  }

  private connected(address: string): void {
    this.opened = true;
    this.connectAlarm?.cancel();
    this.events.connected(address);
    if (this.conversation === null) {
      this.finish({ kind: 'passed', what: 'it accepts connections' });
      return;
    }
    this.socket?.write(this.conversation.request);
  }

  /** The verdict falls as soon as it can; what comes then is read until the backend closes. */
  private heard(bytes: Uint8Array): void {
    const { conversation } = this;
    const evidence = conversation?.heard(bytes) ?? null;
    if (evidence === null) return;
    const load = conversation?.load ?? null;
    if (load !== null && evidence.kind === 'passed') this.events.reported(load);
    this.decide(evidence);
  }

  private closed(address: string, failure: Failure | null): void {
    if (!this.opened) {
      this.connectAlarm?.cancel();
      if (failure !== null) {
        this.failures.push(failure);
        this.events.connectFailed(address, failure);
      }
      this.tryNext();
    } else if (failure?.side === 'us') {
      this.finish({ kind: 'void', why: failure.cause });
    } else {
      this.fail('other', `the connection was reset before an answer to ${this.label()}`);
    }
  }

  private connectTooSlow(): void {
    const address = this.addresses[this.tried - 1];
    const failure: Failure = {
      kind: 'connect_timeout',
      side: 'backend',
      phase: 'connect',
      retry: 'safe',
      cause: `${spellAddress(address, this.backend.config.port)} did not accept a connection`,
    };
    this.failures.push(failure);
    this.socket?.reset();
    this.tryNext();
    this.events.connectFailed(address, failure);
  }

  private timedOut(): void {
    if (this.decided) {
      this.socket?.close();
      return;
    }
    const lateMs = this.clock.nowMs() - this.deadlineMs;
    if (lateMs > LATE_MS) {
      this.finish({ kind: 'void', why: `this process slept for ${spellDuration(lateMs)}` });
      return;
    }
    const what = this.opened ? this.label() : 'connecting';
    this.fail('timeout', `${what} took longer than ${spellDuration(this.timeoutMs())}`);
  }

  private fail(how: 'timeout' | 'other', why: string): void {
    this.finish({ kind: 'failed', how, why });
  }

  /** Decides and lets go of the connection. */
  private finish(outcome: Outcome): void {
    this.stopAlarms();
    if (outcome.kind === 'passed') this.socket?.close();
    else this.socket?.reset();
    this.decide(outcome);
  }

  private decide(outcome: Outcome): void {
    this.decided = true;
    this.connectAlarm?.cancel();
    this.events.done(outcome);
  }

  private stopAlarms(): void {
    this.deadline.cancel();
    this.connectAlarm?.cancel();
  }

  private label(): string {
    return this.conversation?.label ?? 'connecting';
  }
}

/**
 * No address took the connection. An address that we could not even try (no IPv6 on this machine,
 * say) says nothing; the others decide.
 */
function nothingConnected(
  failures: readonly Failure[],
  addresses: readonly string[],
  port: number,
): Outcome {
  const evidence = failures.filter((failure) => failure.side !== 'us');
  if (evidence.length === 0) {
    return { kind: 'void', why: failures[0]?.cause ?? 'the connection was closed by ourselves' };
  }
  const last = evidence[evidence.length - 1];
  const closedDoor = (failure: Failure): boolean =>
    failure.kind === 'refused' || failure.kind === 'unreachable';
  if (evidence.some((failure) => failure.kind === 'refused') && evidence.every(closedDoor)) {
    const where = list(addresses.map((address) => spellAddress(address, port)));
    return { kind: 'failed', how: 'refused', why: `${where} refused the connection` };
  }
  const how = last.kind === 'connect_timeout' ? 'timeout' : 'other';
  return { kind: 'failed', how, why: last.cause };
}
