/**
 * One request and its response, from the first byte to the log line. The story in seven verbs:
 * accept, parse, route, pick, connect, relay, log. It knows no protocol: the client's side and the
 * backend's side speak theirs (see `sides.ts`). One object carries many exchanges, one at a time.
 */
import { assert, type Failure, failure, type Phase } from '../base/failure.ts';
import type { RelayEvents, Socket } from '../base/transport.ts';
import type { LimitsConfig } from '../config.ts';
import { statusOf } from '../http/answers.ts';
import { NO_KEY } from '../http/hash-key.ts';
import { Head } from '../http/head.ts';
import type { Refusal } from '../http/refusal.ts';
import { RequestFacts } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import type { Backend } from '../table/backend.ts';
import type { ExchangeRecord } from '../telemetry/log.ts';
import { makeAnswer } from './answer.ts';
import type { Attempt } from './attempt.ts';
import { Attempts } from './attempts.ts';
import { NO_ROUTE, OVERFULL } from './destinations.ts';
import type { Engine } from './engine.ts';
import { newRecord, resetRecord, writeDown } from './exchange-record.ts';
import { NO_ROOM, type Pool } from './pool.ts';
import { Place, type Waiter } from './queue.ts';
import { Replay } from './replay.ts';
import type { BackendEvents, BackendSide, ClientPeer, ClientSide } from './sides.ts';

/** Interim responses in one exchange. */
const MAX_INTERIM = 20;

export class Exchange implements BackendEvents, Waiter {
  readonly head: Head;
  readonly facts = new RequestFacts();
  /** Where it is in the story; a failure says it. */
  phase: Phase = 'accept';
  pool: Pool | null = null;
  readonly record: ExchangeRecord = newRecord();
  readonly attempts: Attempts;
  /** Where a policy that chooses by hash sends it. */
  key = NO_KEY;
  tunnel = false;
  /** The response's head has gone to the client (interim ones do not count). */
  responded = false;
  /** The client has sent its request whole. */
  requestEnded = false;
  /** Its body comes after a 100 (Continue): neither that nor any of it has come. */
  awaitsContinue = false;
  /** The next attempt must not use a connection that has carried another exchange. */
  wantsFresh = false;
  /** The number in its request id. */
  count = 0;
  peer!: ClientPeer;
  /** Made for these limits; a reload may bring others. */
  readonly limits: LimitsConfig;

  private readonly engine: Engine;
  private client: ClientSide | null = null;
  private trailers: Head | null = null;
  private readonly replay = new Replay();
  private readonly place = new Place(this);
  private interims = 0;
  private startedMs = 0;
  /** The backend where the client was before (see sticky-cookie.ts and sticky-sessions.ts). */
  private home: Backend | null = null;
  private clientHeld = false;
  private responseEnded = false;

  constructor(engine: Engine) {
    this.engine = engine;
    this.limits = engine.limits;
    this.head = new Head(engine.limits.headerFields);
    this.attempts = new Attempts(this, engine);
  }

  // ---- accept -------------------------------------------------------------------------------

  /** A request's head has begun on `client`. */
  accept(client: ClientSide, peer: ClientPeer): void {
    this.phase = 'accept';
    this.client = client;
    this.peer = peer;
    this.startedMs = this.engine.wheel.nowMs();
    resetRecord(this.record, this.engine.wallMs());
    this.record.client = peer.address;
    this.count = this.engine.requestIds.next();
    this.pool = null;
    this.tunnel = this.responded = this.requestEnded = false;
    this.responseEnded = this.wantsFresh = this.awaitsContinue = false;
    this.trailers = null;
    this.attempts.begin(this.startedMs);
    this.replay.begin();
    this.interims = 0;
    this.clientHeld = false;
  }

  // ---- parse --------------------------------------------------------------------------------

  /** The head is in `head`, bytes[start, end) of somebody's memory. Null: understood. */
  parse(start: number, end: number): Refusal | null {
    this.phase = 'parse';
    // A later attempt needs the head again, when the memory it came in is long gone.
    this.head.own(start, end);
    const refusal = this.facts.decide(this.head);
    this.awaitsContinue = this.facts.expectContinue;
    return refusal;
  }

  /** Goes on with what `parse` understood: the request is on its way, or answered. */
  proceed(): void {
    if (this.peer.trusted) this.engine.believe(this);
    if (this.route()) this.attempt();
  }

  // ---- route --------------------------------------------------------------------------------

  private route(): boolean {
    this.phase = 'route';
    const destination = this.engine.route(this.head, this.facts);
    this.pool = destination?.pool ?? null;
    if (destination === null || this.engine.overfull) {
      this.giveUp(destination === null ? NO_ROUTE : OVERFULL);
      return false;
    }
    const { pool, limits } = destination;
    if (limits !== null) {
      const why = limits.check(this.head, this.facts, this.peer, this.record.client);
      if (why !== null) {
        this.giveUp(why, statusOf(why), limits.fields);
        return false;
      }
    }
    pool.budget.deposit(this.startedMs);
    this.key = pool.keyOf(this.head, this.facts, this.record.client);
    this.home = pool.homeOf(this.head, this.facts);
    return true;
  }

  // ---- pick ---------------------------------------------------------------------------------

  /** One try on one backend: pick, connect. */
  attempt(): void {
    this.phase = 'pick';
    const pool = this.pool!;
    const slot = pool.hasTurns ? NO_ROOM : this.enter();
    if (slot === NO_ROOM) this.wait(pool);
    else this.goTo(slot);
  }

  /** The table has it at this backend then. */
  enter(): number {
    return this.pool!.enter(this.attempts.rule.tried, this.key, this.home, this);
  }

  private goTo(slot: number): void {
    if (slot === -1) this.giveUp(this.pool!.nobody(this.attempts.rule.lastFailure));
    else this.connect(slot);
  }

  /** Until there is room at a backend. */
  private wait(pool: Pool): void {
    const why = pool.queue === null ? pool.nobody(null) : pool.queue.join(this.place);
    if (why !== null) this.giveUp(why);
  }

  get isChoosy(): boolean {
    return this.attempts.rule.tried.length > 0 || this.home !== null;
  }

  get awaited(): Backend | null {
    return this.attempts.rule.tried.length > 0 ? null : this.home;
  }

  tryAgain(): boolean {
    const slot = this.enter();
    if (slot === NO_ROOM) return false;
    this.leaveQueue();
    this.goTo(slot);
    this.flushRequest();
    return true;
  }

  private leaveQueue(): void {
    const { place } = this;
    if (place.queue === null) return;
    this.record.queueMs += this.engine.wheel.nowMs() - place.sinceMs;
    place.queue.leave(place);
  }

  // ---- connect ------------------------------------------------------------------------------

  connect(slot: number): void {
    this.phase = 'connect';
    this.attempts.goTo(slot);
  }

  /** An attempt has its connection. */
  onBackendOpen(side: BackendSide): void {
    this.phase = 'relay';
    this.record.connectMs = this.elapsedMs();
    side.begin();
    const { replay } = this;
    let room = true;
    if (replay.length > 0) {
      room = side.body(replay.bytes, replay.start, replay.end);
      // A second attempt that is not there yet needs all of it as well.
      if (!this.attempts.isWaiting) replay.sent(this.facts.idempotent);
    }
    if (this.requestEnded) side.finish(this.trailers);
    if (!room) this.onBackendFull();
    else if (this.clientHeld) this.releaseClient();
  }

  /** The backend of the current or last attempt. */
  get backend(): Backend | null {
    return this.attempts.current.backend;
  }

  private get side(): BackendSide | null {
    return this.attempts.current.side;
  }

  // ---- relay: the request -------------------------------------------------------------------

  /** A part of the request's body. */
  onRequestBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.record.requestBodyBytes += end - start;
    this.awaitsContinue = false;
    if (this.tunnel) {
      if (!this.side!.body(bytes, start, end)) this.holdClient();
      return true;
    }
    if (this.side === null) {
      this.replay.append(bytes, start, end);
      if (this.replay.full) this.holdClient();
      return true;
    }
    if (this.replay.whole && this.facts.idempotent) {
      this.replay.append(bytes, start, end);
      this.replay.sent(true);
    } else this.replay.whole = false;
    if (!this.side.body(bytes, start, end)) this.holdClient();
    return true;
  }

  /** The request is whole (in a tunnel: the client sends no more). */
  onRequestEnd(trailers: Head | null): void {
    this.requestEnded = true;
    this.trailers = trailers;
    if (!this.responded) this.attempts.asked();
    this.side?.finish(trailers);
    if (this.tunnel && this.responseEnded) this.log(null);
  }

  /** What the client's side has handed over in one go may leave together. */
  flushRequest(): void {
    this.side?.flush();
  }

  /** Bytes of the request's body that are kept: an attempt waits for them, or may be repeated. */
  get keptBytes(): number {
    return this.replay.length;
  }

  /** Those that are kept only so that an attempt can be repeated. */
  get spareBytes(): number {
    return this.attempts.isWaiting ? 0 : this.replay.length;
  }

  giveSpare(): void {
    if (!this.attempts.isWaiting) this.replay.forget();
  }

  private holdClient(): void {
    this.clientHeld = true;
    this.client!.pauseBody();
  }

  private releaseClient(): void {
    this.clientHeld = false;
    this.client!.resumeBody();
  }

  onBackendFull(): void {
    if (!this.requestEnded) this.holdClient();
  }

  onBackendDrain(): void {
    if (this.clientHeld) this.releaseClient();
  }

  // ---- relay: the response ------------------------------------------------------------------

  onInterim(attempt: Attempt, head: Head): void {
    if (++this.interims > MAX_INTERIM) {
      attempt.fail('UP22 more than 20 interim responses');
      return;
    }
    if (head.status === 100) this.awaitsContinue = false;
    if (!this.facts.old) this.client!.interim(head);
  }

  onResponse(attempt: Attempt, head: Head, facts: ResponseFacts): void {
    if (head.status >= 400 && this.attempts.isPassedOver(attempt, head)) return;
    this.attempts.won(attempt);
    this.record.status = head.status;
    this.record.responseHeadMs = this.elapsedMs();
    this.responded = true;
    this.replay.forget();
    const cookie = this.pool!.settle(this, head, this.home, this.backend!);
    if (head.status === 101) {
      this.tunnel = true;
      this.requestEnded = false;
      this.engine.enterTunnel(this.backend!);
      attempt.leave();
      this.side!.openTunnel();
      this.client!.openTunnel(head, cookie);
    } else this.client!.respond(head, facts, cookie);
  }

  get responseWire(): boolean {
    return this.client!.takesWire;
  }

  onResponseBody(bytes: Uint8Array, start: number, end: number): boolean {
    this.record.responseBodyBytes += end - start;
    if (!this.client!.body(bytes, start, end)) this.onClientFull();
    return this.side !== null;
  }

  flushResponse(): void {
    this.client?.flush();
  }

  /** What comes next from `from` is body and nothing else: it need not be looked at. */
  onResponseRest(from: Socket, bytes: number, events: RelayEvents): void {
    this.client!.relay(from, bytes, events);
  }

  onResponseRelayed(bytes: number, room: boolean): void {
    this.record.responseBodyBytes += bytes;
    this.client!.relayed(bytes, room);
    if (!room) this.onClientFull();
  }

  /** The client does not take what is sent to it as fast as it comes. */
  onClientFull(): void {
    this.side?.pauseBody();
  }

  onClientDrain(): void {
    this.side?.resumeBody();
  }

  onResponseEnd(trailers: Head | null): void {
    const client = this.client!;
    if (this.tunnel) {
      this.responseEnded = true;
      if (this.requestEnded) this.log(null);
    } else {
      this.attempts.current.side = null;
      this.log(null);
    }
    client.finish(trailers);
  }

  // ---- what can go wrong --------------------------------------------------------------------

  /** A rule of the wire was broken by the client. */
  refuse(refusal: Refusal, at: number): void {
    const cause = `${refusal.rule} ${refusal.what} (byte ${at})`;
    const why = failure('malformed', 'client', this.phase, 'never', cause);
    this.giveUp(why, refusal.status);
  }

  /** The response has begun, and cannot be made whole. */
  breakOff(why: Failure): void {
    const client = this.client!;
    this.log(why);
    client.breakOff();
  }

  /** All that has come of the request is here. */
  get isKept(): boolean {
    return this.replay.whole;
  }

  /** It can be sent once more: all of it is here, and the client has no byte of an answer. */
  get isRepeatable(): boolean {
    return this.facts.idempotent && this.replay.whole && this.interims === 0;
  }

  /** The client is gone, or broke off: nobody waits for an answer any more. */
  onClientGone(why: Failure): void {
    if (this.client === null) return;
    if (this.requestEnded && !this.responded) this.attempts.cancel();
    else this.attempts.abandon();
    this.log(why);
  }

  /** Our own answer instead of a backend's. `fields`: header lines for it. */
  giveUp(why: Failure, status = statusOf(why), fields?: string): void {
    assert(!this.responded, 'one answer to one request');
    this.attempts.abandon();
    this.responded = true;
    this.record.status = status;
    this.record.responseHeadMs = this.elapsedMs();
    const answer = makeAnswer(why, status, this.head, this.requestId, this.pool, fields);
    this.record.responseBodyBytes = answer.body.length;
    const client = this.client!;
    this.log(why);
    client.answer(answer);
  }

  // ---- log ----------------------------------------------------------------------------------

  /** The end of the story, reached exactly once. */
  private log(why: Failure | null): void {
    assert(this.client !== null, 'an exchange ends once');
    this.phase = 'log';
    const { record, engine } = this;
    this.leaveQueue();
    this.attempts.end();
    if (this.tunnel) {
      this.tunnel = false;
      engine.leaveTunnel(this.backend!);
      this.side?.release();
      this.attempts.current.side = null;
    }
    record.totalMs = this.elapsedMs();
    record.failure = why;
    this.client = null;
    this.replay.clear();
    if (!engine.logsExchanges) return;
    writeDown(this);
    engine.log.exchange(record);
  }

  /** As text, which is made only when somebody reads it. */
  get requestId(): string {
    return this.record.requestId || this.engine.requestIds.text(this.count);
  }

  private elapsedMs(): number {
    return this.engine.wheel.nowMs() - this.startedMs;
  }

  /** The story is over; what still comes from either side belongs to nobody. */
  get ended(): boolean {
    return this.client === null;
  }
}
