/** A server in a pretended world: what it answers is a function, when it dies is up to the test. */

import type { SimClock } from '../../sim/clock.ts';
import type { SimNetwork } from '../../sim/network.ts';
import { PROBER_ADDRESS, serveBackend } from '../../sim/rehearsal.ts';
import { type StrictEvents, type StrictHead, StrictReader } from '../../sim/strict-reader.ts';
import { parseBackendUrl } from '../config/addresses.ts';
import { didYouMean, show } from '../config/diagnostics.ts';
import type { Listener, Socket, SocketHandler } from '../core/base/transport.ts';
import { type Duration, milliseconds } from './duration.ts';
import { BodyText, type Headers, messageBytes, type SentHeaders } from './message.ts';

/** A request as a fake backend gets it. */
export interface FakeRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** By name in small letters. */
  readonly headers: Headers;
  readonly body: string;
  /** When it was here whole; milliseconds since the world began. */
  readonly atMs: number;
  /** A probe of the health check. */
  readonly probe: boolean;
}

/** What a fake backend answers. */
export interface FakeAnswer {
  /** 200 to 599; 200 unless set. */
  readonly status?: number;
  readonly headers?: SentHeaders;
  /** Empty unless set. */
  readonly body?: string;
  /** So long after the request; 0 unless set. */
  readonly afterMs?: number;
}

/** Null: it never answers. Probes of the health check are asked like all others. */
export type Answering = (request: FakeRequest) => FakeAnswer | null;

/** A server that `world.backend` made. */
export interface FakeBackend {
  /** For the configuration. */
  readonly url: string;
  /** Requests it got, in order, without probes. */
  readonly requests: readonly FakeRequest[];
  /** Its process dies: its connections are reset, and new ones refused, until it is healed. */
  kill(): void;
  /** From now on each answer, also those to probes, takes so much longer. */
  slow(by: Duration): void;
  /** From now on it takes requests and answers nothing. */
  hang(): void;
  /** It runs again, as in the beginning. What it hung over stays without an answer. */
  heal(): void;
  /** It answers by another function from now on. */
  answer(answering: Answering): void;
}

interface Place {
  readonly clock: SimClock;
  readonly network: SimNetwork;
}

const NO_BODY = new Set([204, 304]);

/** What `world.backend` gives. */
export class Server implements FakeBackend {
  readonly url: string;
  readonly requests: FakeRequest[] = [];
  readonly place: Place;
  readonly at: { readonly host: string; readonly port: number };
  private readonly conversations = new Set<Conversation>();
  private answering: Answering;
  private listeners: Listener[] = [];
  private slowMs = 0;
  private isHanging = false;

  constructor(place: Place, url: string, answering: Answering) {
    if (typeof url !== 'string') throw new Error(`a URL is a text, not ${show(url)}`);
    const parsed = parseBackendUrl(url);
    if ('problem' in parsed) throw new Error(parsed.problem);
    this.place = place;
    this.url = url;
    this.at = parsed.value;
    this.answering = checked(answering);
    this.heal();
  }

  kill(): void {
    for (const listener of this.listeners.splice(0)) listener.close();
    for (const conversation of this.conversations) conversation.reset();
  }

  slow(by: Duration): void {
    this.slowMs = milliseconds(by);
  }

  hang(): void {
    this.isHanging = true;
  }

  heal(): void {
    this.slowMs = 0;
    this.isHanging = false;
    if (this.listeners.length > 0) return;
    this.listeners = serveBackend(this.place.network, this.at, (socket, { address }) => {
      const conversation = new Conversation(this, socket, address === PROBER_ADDRESS);
      this.conversations.add(conversation);
      return conversation;
    });
  }

  answer(answering: Answering): void {
    this.answering = checked(answering);
  }

  left(conversation: Conversation): void {
    this.conversations.delete(conversation);
  }

  /** What it says to a request, and when; null: nothing. */
  respond(request: FakeRequest): { readonly bytes: Uint8Array; readonly afterMs: number } | null {
    if (!request.probe) this.requests.push(request);
    if (this.isHanging) return null;
    const answer = this.answering(request) as unknown;
    if (answer === null) return null;
    if (answer instanceof Promise) {
      throw new Error(`${this.url} answers with a promise: answer at once, and wait with afterMs`);
    }
    if (typeof answer !== 'object') {
      const instead = `return { body: 'text' }, or null for no answer`;
      throw new Error(`${this.url} answers ${show(answer)}: ${instead}`);
    }
    const { status = 200, headers = {}, body = '', afterMs = 0, ...rest } = answer as FakeAnswer;
    for (const key of Object.keys(rest)) {
      const hint = didYouMean(key, ['status', 'headers', 'body', 'afterMs']);
      throw new Error(`${this.url} answers with ${show(key)}, which means nothing${hint}`);
    }
    if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
      throw new Error(`${this.url} answers ${status}: a status is a whole number, 200 to 599`);
    }
    if (!(Number.isFinite(afterMs) && afterMs >= 0)) {
      const instead = 'write a number of milliseconds, 0 or more';
      throw new Error(`${this.url} answers with afterMs: ${show(afterMs)}: ${instead}`);
    }
    const sent = NO_BODY.has(status) ? null : body;
    const bytes = messageBytes(`HTTP/1.1 ${status} Fake`, headers, sent, request.method === 'HEAD');
    return { bytes, afterMs: afterMs + this.slowMs };
  }
}

function checked(answering: Answering): Answering {
  if (typeof answering === 'function') return answering;
  throw new Error(`what it answers is a function, not ${show(answering)}: () => ({ status: 503 })`);
}

/** One connection to it. */
class Conversation implements SocketHandler, StrictEvents {
  private readonly server: Server;
  private readonly socket: Socket;
  private readonly isProbe: boolean;
  private readonly reader = new StrictReader('requests', this);
  private readonly body = new BodyText();
  private head: StrictHead | null = null;

  constructor(server: Server, socket: Socket, isProbe: boolean) {
    this.server = server;
    this.socket = socket;
    this.isProbe = isProbe;
  }

  reset(): void {
    this.socket.reset();
  }

  onOpen(): void {}

  onData(bytes: Uint8Array): void {
    this.reader.feed(bytes);
    const { problem } = this.reader;
    if (problem !== null) throw new Error(`${this.server.url} cannot read a request: ${problem}`);
  }

  onDrain(): void {}

  onEnd(): void {
    this.socket.close();
  }

  onClose(): void {
    this.server.left(this);
  }

  answersHead(): boolean {
    return false;
  }

  onHead(head: StrictHead): void {
    this.head = head;
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.body.add(bytes, start, end);
  }

  onTunnel(): void {}

  onMessage(): void {
    const { method, target: path, fields } = this.head!;
    const { clock } = this.server.place;
    const headers = Object.fromEntries(fields);
    const body = this.body.take();
    const atMs = clock.nowMs();
    const request = { method, path, headers, body, atMs, probe: this.isProbe };
    const response = this.server.respond(request);
    if (response === null) return;
    const { bytes, afterMs } = response;
    clock.wakeAt(atMs + afterMs, () => void this.socket.write(bytes));
  }
}
