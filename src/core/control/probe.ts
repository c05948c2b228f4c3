/**
 * One probe of one backend: a fresh connection, its addresses in order, one request, one outcome.
 * The timeout covers all of it. It says what it saw and decides nothing.
 */
import { latin1 } from '../base/bytes.ts';
import type { Alarm, Clock } from '../base/clock.ts';
import type { Failure } from '../base/failure.ts';
import type { Socket, SocketHandler, Target, Transport } from '../base/transport.ts';
import type { HealthCheckConfig } from '../config.ts';
import type { Evidence } from '../health/tracker.ts';
import type { Backend } from '../table/backend.ts';
import { type Answer, AnswerReader } from './answer-reader.ts';
import { list, spellAddress, spellDuration } from './wording.ts';

/** `void`: nothing was learned about the backend; it was our own fault. */
export type Outcome = Evidence | { readonly kind: 'void'; readonly why: string };

/** Called from the loop, never from within `new Probe` or `abort`. */
export interface ProbeEvents {
  connected(address: string): void;
  connectFailed(address: string, failure: Failure): void;
  /** Once, unless the probe was aborted. */
  done(outcome: Outcome): void;
}

/** A wake-up later than this says more about us than about the backend. */
const LATE_MS = 250;

/** Without a health check, how long a suspect may take to accept a connection. */
export const TCP_PROBE_TIMEOUT_MS = 2000;

/** An answer's body is read, so that the backend need not see a reset; up to this much. */
const BODY_BYTES = 64 * 1024;

export class Probe {
  private readonly transport: Transport;
  private readonly clock: Clock;
  private readonly backend: Backend;
  private readonly check: HealthCheckConfig | null;
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

  /** Starts at once. The backend has at least one address. */
  constructor(transport: Transport, clock: Clock, backend: Backend, events: ProbeEvents) {
    this.transport = transport;
    this.clock = clock;
    this.backend = backend;
    this.check = backend.pool.healthCheck;
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
    const { config, pool } = this.backend;
    const { verify, caPem } = pool.tls;
    const serverName = pool.tls.serverName ?? config.host;
    return { address, port: config.port, tls: config.tls ? { serverName, verify, caPem } : null };
  }

  private handler(address: string): SocketHandler {
    const attempt = this.tried;
    const current = (): boolean => !this.decided && attempt === this.tried;
    const reader = new AnswerReader();
    let received = 0;
    return {
      onOpen: () => {
        if (current()) this.connected(address);
      },
      onData: (bytes) => {
        received += bytes.length;
        if (received > BODY_BYTES) this.socket?.close();
        if (current()) this.answered(reader.push(bytes), bytes);
      },
      onDrain: () => {},
      onEnd: () => {
        if (current()) this.fail('other', `the connection was closed before ${this.answerTo()}`);
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
    if (this.check === null || this.check.kind === 'tcp') {
      this.finish({ kind: 'passed', what: 'it accepts connections' });
      return;
    }
    this.socket?.write(latin1(requestHead(this.check, this.backend)));
  }

  private answered(answer: ReturnType<AnswerReader['push']>, bytes: Uint8Array): void {
    if (answer === null || this.check === null) return;
    if (answer === 'malformed') {
      this.fail('other', `${this.label()} was not answered in HTTP/1.x but with ${quote(bytes)}`);
    } else if (answer === 'too_large') {
      this.fail('other', `${this.label()} was answered with a head above 16 KiB`);
    } else {
      this.judge(answer, this.check);
    }
  }

  /** The verdict falls on the head; the body is read until the backend closes. */
  private judge(answer: Answer, check: HealthCheckConfig): void {
    const { status } = answer;
    const expected = check.expectedStatus.some(([low, high]) => status >= low && status <= high);
    const to = answer.location === null ? '' : ` to ${answer.location}`;
    const what = `${this.label()} answered ${status}${to}`;
    // A redirect or a log-in page is often what a healthy server says to strangers.
    const settable = (status >= 300 && status < 400) || status === 401 || status === 403;
    const why = settable ? `${what}; set expected_status` : what;
    this.decide(expected ? { kind: 'passed', what } : { kind: 'failed', how: 'other', why });
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
      this.fail('other', `the connection was reset before ${this.answerTo()}`);
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
    return this.check === null ? 'connecting' : `${this.check.method} ${this.check.path}`;
  }

  private answerTo(): string {
    return `an answer to ${this.label()}`;
  }
}

/** Its fields were checked with the configuration: no CR, LF or blank inside. */
function requestHead(check: HealthCheckConfig, backend: Backend): string {
  const bodyless = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'].includes(check.method);
  const own = new Set(check.headers.map(([name]) => name.toLowerCase()));
  const unlessOwn = (name: string, value: string): string =>
    own.has(name.toLowerCase()) ? '' : `${name}: ${value}\r\n`;
  return (
    `${check.method} ${check.path} HTTP/1.1\r\n` +
    `Host: ${check.host ?? backend.config.authority}\r\n` +
    unlessOwn('User-Agent', 'evenkeel') +
    unlessOwn('Accept', '*/*') +
    check.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('') +
    (bodyless ? '' : 'Content-Length: 0\r\n') +
    'Connection: close\r\n\r\n'
  );
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

/** The beginning of what came, for a log line. */
function quote(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, 24), (byte) => String.fromCharCode(byte)).join('');
  return `"${text.replace(/[^\x20-\x7e]/g, '.')}"`;
}
