/**
 * One connection to a simulated backend, as its server sees it: requests in, answers out, and one
 * misdeed at most for each request.
 */

import { latin1 } from '../src/core/base/bytes.ts';
import type { Alarm } from '../src/core/base/clock.ts';
import type { Socket, SocketHandler } from '../src/core/base/transport.ts';
import type { Backend } from './backend.ts';
import { MISDEEDS, type Misdeed } from './options.ts';
import { PacedWriter } from './paced-writer.ts';
import { BodyCheck, patternStart } from './pattern.ts';
import type { Arrival, Request, Sent } from './request.ts';
import { type StrictEvents, type StrictHead, StrictReader } from './strict-reader.ts';
import { type AnswerForm, answerHead, answerMessage, carriesBody, cutUp, join } from './wire.ts';
import type { World } from './world.ts';

const CONTINUE = latin1('HTTP/1.1 100 Continue\r\n\r\n');
const HINTS = latin1('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n');
const SWITCH = latin1('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
const LAST_CHUNK = latin1('0\r\n\r\n');
const PROBE_ANSWER = latin1('HTTP/1.1 200 Well\r\nContent-Length: 2\r\n\r\nok');
const GARBAGE = [
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'HTTP/2.0 200 OK\r\n\r\n',
  'HTTP/1.1 20 OK\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc',
  'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc',
  'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n',
  '220 mail.test ESMTP\r\n',
].map(latin1);
const TWO_LENGTHS = [
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding: gzip, chunked',
  'Content-Length: +5',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
];
const MANY_INTERIMS = 40;

export class BackendConversation implements SocketHandler, StrictEvents {
  private readonly backend: Backend;
  private readonly world: World;
  private readonly socket: Socket;
  private readonly number: number;
  private readonly reader: StrictReader;
  private readonly writer: PacedWriter;
  private readonly peerPort: number;
  private requests = 0;
  private request: Request | null = null;
  private arrival: Arrival | null = null;
  private isProbe = false;
  /** What it does to the request that is here. */
  private misdeed: Misdeed | null = null;
  private body = new BodyCheck(0);
  private answering = false;
  /** It has done something after which its next bytes mean nothing. */
  private lost = false;
  private tunnel = false;
  /** Came through the tunnel, and is not sent back yet. */
  private held: Uint8Array[] = [];
  private isLate = false;
  /** It has announced more of an answer than it has sent. */
  private owes = false;
  private gone = false;
  private idleAlarm: Alarm | null = null;

  constructor(backend: Backend, socket: Socket, peerPort: number) {
    this.peerPort = peerPort;
    this.backend = backend;
    this.world = backend.world;
    this.socket = socket;
    this.number = this.world.nextConnection();
    this.reader = new StrictReader('requests', this);
    this.writer = new PacedWriter(this.world.clock, socket);
  }

  /** A request is here and not answered. */
  get busy(): boolean {
    return this.request !== null && !this.gone;
  }

  onOpen(): void {}

  onDrain(): void {
    this.writer.drained();
  }

  onData(bytes: Uint8Array): void {
    if (this.lost) return;
    this.reader.feed(bytes);
    const { problem } = this.reader;
    if (problem === null) return;
    this.lost = true;
    this.world.tell((each) => each.malformed?.(`the balancer to ${this.backend.name}`, problem));
  }

  onEnd(): void {
    if (this.reader.inMessage && !this.lost) {
      const problem = 'a FIN in the middle of a request';
      this.world.tell((each) => each.malformed?.(`the balancer to ${this.backend.name}`, problem));
    }
    if (this.tunnel) this.writer.add(join(this.held), 0, () => this.socket.end());
    else this.closeNow();
  }

  onClose(): void {
    this.gone = true;
    this.writer.stop();
    this.idleAlarm?.cancel();
    this.backend.conversations.delete(this);
  }

  // ---- the request ----------------------------------------------------------------------------

  answersHead(): boolean {
    return false;
  }

  onHead(head: StrictHead): void {
    this.idleAlarm?.cancel();
    this.requests += 1;
    this.isProbe = head.target === '/health';
    if (this.isProbe) return;
    const { world, backend } = this;
    const request = world.requests.get(head.fields.get('x-nonce') ?? '') ?? null;
    const arrival: Arrival = { backend, connection: this.number, whole: false };
    const busy = this.answering && !this.lost;
    world.note(backend.name, `c${this.number} gets ${head.method} ${head.target}`);
    world.tell((each) => each.arrived?.(request, head, arrival, busy));
    if (request === null) return;
    // Over a poisoned connection what was too much before has answered in its place.
    if (this.owes && !world.poisoned.has(this.number)) {
      world.tell((each) => each.reusedUnfinished?.(backend.name, request.nonce));
    }
    request.arrivals.push(arrival);
    request.madeSession = this.madeSession(request);
    this.request = request;
    this.arrival = arrival;
    this.body = new BodyCheck(request.requestStart);
    this.answering = true;
    this.misdeed = this.drawMisdeed(request);
    this.begin(request, this.misdeed, head.fields.has('expect'));
  }

  /** For those who come without one, and now and then in place of theirs. */
  private madeSession(request: Request): string | null {
    const { sticky } = this.world.options;
    if (sticky?.kind !== 'sessions' || !sticky.learn) return null;
    if (request.session !== null && !this.world.rng.chance(1, 20)) return null;
    return `${request.nonce}-${request.arrivals.length}`;
  }

  private begin(request: Request, misdeed: Misdeed | null, expect: boolean): void {
    if (misdeed === 'deaf') {
      this.world.hit(request, 'deaf');
      this.socket.pause();
      return;
    }
    if (misdeed !== null) {
      this.world.after(this.world.drawMs(this.world.options.workMs), () =>
        this.misbehave(request, misdeed),
      );
      return;
    }
    if (this.backend.hanging) {
      this.world.hit(request, 'hang');
      this.lost = true;
      return;
    }
    const { plan } = request;
    if (expect && !plan.early) this.writer.add(CONTINUE, this.pauseMs());
    for (let i = 0; i < plan.interims; i++) this.writer.add(HINTS, this.pauseMs());
    if (plan.streams) this.writer.add(answerHead(this.form(request), this.world.rng), 0);
    else if (plan.early) this.answerLater(request);
  }

  private drawMisdeed(request: Request): Misdeed | null {
    const { world } = this;
    if (world.healed) return null;
    for (const misdeed of MISDEEDS) {
      if (world.chance(world.options.misdeeds[misdeed])) {
        return fits(misdeed, request) ? misdeed : null;
      }
    }
    return null;
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    const { request } = this;
    this.body.feed(bytes, start, end);
    if (request?.plan.streams && !this.lost && this.misdeed === null) {
      const size = latin1(`${(end - start).toString(16)}\r\n`);
      this.writer.add(join([size, bytes.subarray(start, end), latin1('\r\n')]), this.pauseMs());
    }
  }

  onMessage(trailers: ReadonlyMap<string, string>): void {
    const { request, arrival } = this;
    if (this.isProbe && !this.backend.hanging) this.writer.add(PROBE_ANSWER, 0);
    // It may have been answered before it was whole.
    if (request === null || arrival === null) return;
    arrival.whole = true;
    const { count: bytes, wrongAt } = this.body;
    const trail = trailers.get('x-trail') ?? null;
    this.world.tell((each) => each.arrivedWhole?.(request, arrival, { bytes, wrongAt, trail }));
    if (this.lost || this.misdeed !== null) return;
    if (request.plan.streams) {
      const sent = this.promise(request, request.bodyBytes);
      this.writer.add(LAST_CHUNK, this.pauseMs(), () => this.answered(request, sent));
    } else if (!request.plan.early) this.answerLater(request);
  }

  // ---- the answer -----------------------------------------------------------------------------

  private answerLater(request: Request): void {
    this.world.after(this.world.drawMs(this.world.options.workMs), () => {
      if (this.gone || this.request !== request) return;
      if (request.plan.switches) this.openTunnel();
      else this.answer(request);
    });
  }

  private form(request: Request): AnswerForm {
    const { status, framing, bodyBytes, trailer, close } = request.plan;
    const { nonce, answerStart: bodyStart, madeSession: session } = request;
    const toHead = request.method === 'HEAD';
    return { nonce, status, framing, bodyStart, bodyBytes, trailer, close, toHead, session };
  }

  /** What will have been sent when this answer is out. */
  private promise(request: Request, bodyBytes: number): Sent {
    const { status, trailer } = request.plan;
    const toHead = request.method === 'HEAD';
    const carries = carriesBody(status, toHead);
    const bytes = toHead ? -1 : carries ? bodyBytes : 0;
    const sent = { connection: this.number, status, bodyBytes: bytes, whole: false };
    request.sent.push({ ...sent, trailer: trailer && carries });
    return request.sent[request.sent.length - 1];
  }

  private answer(request: Request, behind: Uint8Array | null = null): void {
    const { rng } = this.world;
    const { head, body } = answerMessage(this.form(request), rng);
    const sent = this.promise(request, request.plan.bodyBytes);
    const bytes = join(behind === null ? [head, body] : [head, body, behind]);
    if (behind !== null) this.poison(request, this.writer.total + head.length + body.length);
    const parts = behind === null ? cutUp(rng, bytes, request.plan.parts) : [bytes];
    this.sendAnswer(request, sent, parts);
  }

  /** The body is longer, or shorter, than its head says. */
  private lieOfLength(request: Request, isShort: boolean): void {
    const { rng } = this.world;
    const form = this.form(request);
    const { length } = answerMessage(form, rng).body;
    const said = isShort ? rng.below(length) : length + 1 + rng.below(100);
    const head = answerHead({ ...form, bodyBytes: said }, rng);
    const sent = this.promise(request, said);
    const bytes = join([head, answerMessage(form, rng).body]);
    // What it says is out before all of it is.
    sent.whole = isShort;
    if (isShort) this.poison(request, this.writer.total + head.length + said);
    else this.owes = true;
    this.sendAnswer(request, sent, cutUp(rng, bytes, request.plan.parts));
  }

  private sendAnswer(request: Request, sent: Sent, parts: readonly Uint8Array[]): void {
    parts.forEach((part, i) => {
      const last = i === parts.length - 1;
      this.writer.add(
        part,
        i === 0 ? 0 : this.pauseMs(),
        last ? () => this.answered(request, sent) : null,
      );
    });
  }

  private answered(request: Request, sent: Sent): void {
    sent.whole = !this.owes;
    // Over a poisoned connection the next request may have come before.
    if (this.request !== request) return;
    this.answering = false;
    this.request = null;
    this.arrival = null;
    this.world.note(this.backend.name, `c${this.number} has answered ${request.nonce}`);
    if (this.misdeed === 'reset-after') {
      this.socket.reset();
      return;
    }
    if (this.misdeed === 'extra-late') {
      this.world.after(this.world.drawMs([0, 50]), () => this.sendExtra(request));
    }
    if (request.plan.close) this.closeNow();
    else this.idle();
  }

  private closeNow(): void {
    this.lost = true;
    if (this.world.rng.chance(1, 2)) this.socket.end();
    else this.socket.close();
  }

  /** A keep-alive race in the making: it closes without looking whether a request is coming. */
  private idle(): void {
    const { idleCloseMs } = this.world.options;
    if (idleCloseMs === null || this.world.healed) return;
    this.idleAlarm = this.world.after(this.world.drawMs(idleCloseMs), () => {
      if (this.gone || this.busy) return;
      this.world.note(this.backend.name, `c${this.number} closes, idle`);
      this.closeNow();
    });
  }

  private openTunnel(): void {
    this.tunnel = true;
    this.isLate = this.request!.plan.late;
    this.reader.becomeTunnel();
    this.answering = false;
    this.request!.sent.push({
      connection: this.number,
      status: 101,
      bodyBytes: -1,
      whole: true,
      trailer: false,
    });
    this.request = null;
    this.writer.add(SWITCH, 0);
  }

  onTunnel(bytes: Uint8Array): void {
    if (this.isLate) this.held.push(bytes.slice());
    else this.writer.add(bytes.slice(), 0);
  }

  /** It reads again, if it had stopped. */
  heal(): void {
    this.socket.resume();
  }

  private pauseMs(): number {
    return this.world.drawMs(this.world.options.workMs);
  }

  // ---- what is wrong --------------------------------------------------------------------------

  private misbehave(request: Request, misdeed: Misdeed): void {
    if (this.gone || this.request !== request) return;
    this.world.hit(request, misdeed);
    switch (misdeed) {
      case 'reset':
        this.socket.reset();
        return;
      case 'close':
        this.closeNow();
        return;
      case 'garbage':
        this.say(this.world.pick(GARBAGE));
        return;
      case 'two-lengths': {
        const fields = this.world.pick(TWO_LENGTHS);
        this.say(latin1(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`));
        return;
      }
      case 'unasked-switch':
        this.say(SWITCH);
        return;
      case 'many-interims':
        this.say(join(Array.from({ length: MANY_INTERIMS }, () => HINTS)));
        return;
      case 'cut-reset':
      case 'cut-close':
      case 'cut-hang':
        this.cutShort(request, misdeed);
        return;
      case 'bad-chunk':
        this.say(join(Object.values(answerMessage(this.form(request), this.world.rng, true))));
        return;
      case 'extra-now':
        this.answer(request, this.extra(request));
        return;
      case 'length-short':
      case 'length-long':
        this.lieOfLength(request, misdeed === 'length-short');
        return;
      case 'extra-late':
      case 'reset-after':
        this.answer(request);
        return;
      case 'die':
        this.backend.die();
        this.world.after(this.world.drawMs([1, 3000]), () => this.backend.start());
        return;
      case 'hang':
      case 'deaf':
        this.lost = true;
    }
  }

  private say(bytes: Uint8Array): void {
    this.lost = true;
    this.writer.add(bytes, 0, () => {
      if (this.world.rng.chance(1, 2)) this.closeNow();
    });
  }

  /** A part of the answer: never all of it, and always less than what makes it whole. */
  private cutShort(request: Request, misdeed: Misdeed): void {
    this.lost = true;
    const { head, body } = answerMessage(this.form(request), this.world.rng);
    const bytes = join([head, body]);
    const delimited = request.plan.framing === 'close' && body.length >= 0;
    const hides = delimited && misdeed === 'cut-close';
    const most = hides ? head.length - 1 : bytes.length - 1;
    const part = bytes.subarray(0, 1 + this.world.rng.below(most));
    this.writer.add(part, 0, () => {
      if (misdeed === 'cut-reset') this.socket.reset();
      else if (misdeed === 'cut-close') this.closeNow();
    });
  }

  private extra(request: Request): Uint8Array {
    const { head, body } = answerMessage(
      {
        nonce: `x${request.number}`,
        status: 200,
        framing: 'length',
        bodyStart: patternStart(1),
        bodyBytes: this.world.rng.below(50),
        trailer: false,
        close: false,
        toHead: false,
        session: null,
      },
      this.world.rng,
    );
    return join([head, body]);
  }

  private sendExtra(request: Request): void {
    if (this.gone || this.lost || this.tunnel) return;
    // Between two parts of another answer it would only be one more garbled answer, and behind one
    // that is shorter than it says, the rest of it for all that anybody can tell.
    if (this.answering || this.owes) return;
    this.world.note(this.backend.name, `c${this.number} sends an answer nobody asked for`);
    this.poison(request, this.writer.total);
    this.writer.add(this.extra(request), 0);
  }

  private poison(request: Request, at: number): void {
    this.world.note(
      'fault',
      `c${this.number} is poisoned by an answer too many to ${request.nonce}`,
    );
    this.world.poisoned.add(this.number);
    this.world.extras.set(this.peerPort, { at, requests: this.requests });
  }
}

/** Some misdeeds need a certain kind of request or answer. */
function fits(misdeed: Misdeed, request: Request): boolean {
  const { plan } = request;
  if (plan.streams || plan.switches) return misdeed === 'reset' || misdeed === 'die';
  const carries = carriesBody(plan.status, request.method === 'HEAD');
  switch (misdeed) {
    case 'bad-chunk':
      return carries && plan.framing === 'chunked';
    case 'unasked-switch':
      return !request.upgrade;
    case 'length-short':
    case 'length-long':
      return carries && plan.framing === 'length' && plan.bodyBytes > 0 && !plan.close;
    case 'extra-now':
    case 'extra-late':
      return !plan.close && plan.framing !== 'close';
    case 'deaf':
      return request.bodyBytes > 0 && !request.upgrade;
    default:
      return true;
  }
}
