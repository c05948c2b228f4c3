/** One connection of a simulated client to the balancer, with its script of requests. */
import type { Failure } from '../src/core/base/failure.ts';
import type { Socket, SocketHandler, Transport } from '../src/core/base/transport.ts';
import type { Client } from './client.ts';
import { LISTEN_PORT } from './default-config.ts';
import type { Prank } from './options.ts';
import { PacedWriter } from './paced-writer.ts';
import { BodyCheck, patternBytes } from './pattern.ts';
import type { Answer, Fate, Request } from './request.ts';
import { type StrictEvents, type StrictHead, StrictReader } from './strict-reader.ts';
import { cutUp, FORGED_COOKIE, type Message, requestMessage } from './wire.ts';
import type { World } from './world.ts';

const CONTINUE_PATIENCE_MS = 800;
/** With half the idle time of a tunnel before each. */
const SLOW_PARTS = 4;

export class ClientConversation implements SocketHandler, StrictEvents {
  /** Begun and not answered, in order. */
  readonly waiting: Request[] = [];
  private readonly client: Client;
  private readonly world: World;
  private readonly script: Request[];
  private readonly reader: StrictReader;
  private socket!: Socket;
  private at = '';
  private writer!: PacedWriter;
  private sending: Request | null = null;
  /** A body that waits for its 100 (Continue). */
  private heldBody: (() => void) | null = null;
  private body = new BodyCheck(0);
  private answer: Answer | null = null;
  private tunnel: Request | null = null;
  private tunnelCheck = new BodyCheck(0);
  private tunnelSent = false;
  /** Nothing more is sent: we, or the balancer's Connection: close, said so. */
  private closing = false;
  /** The last answer came to a HEAD of which the balancer may not even know the method. */
  private answeredUnread = false;
  private gone = false;
  private readonly slow: boolean;
  private readonly halfCloses: boolean;
  private readonly depth: number;

  constructor(client: Client, script: Request[]) {
    this.client = client;
    this.world = client.world;
    this.script = script;
    this.reader = new StrictReader('responses', this);
    const { pipelining } = this.world.options;
    this.slow = this.plays('slow');
    this.halfCloses = this.plays('half-close');
    this.depth = 1 + this.world.rng.below(pipelining);
  }

  open(transport: Transport): void {
    const { addresses } = this.world.balancer;
    this.at = addresses.length === 1 ? addresses[0] : this.world.pick(addresses);
    const to = { address: this.at, port: LISTEN_PORT, tls: null };
    this.socket = transport.connect(to, this);
    this.writer = new PacedWriter(this.world.clock, this.socket);
    if (this.plays('abort')) this.planAbort();
    if (this.plays('deaf')) this.planDeafness();
  }

  /** Whoever comes when all is well plays no pranks. */
  private plays(prank: Prank): boolean {
    const { world } = this;
    return !world.healed && world.chance(world.options.pranks[prank]);
  }

  // ---- requests -------------------------------------------------------------------------------

  onOpen(): void {
    this.advance();
  }

  private advance(): void {
    while (this.mayBegin()) {
      const request = this.script.shift();
      if (request === undefined) break;
      this.begin(request);
    }
    if (this.script.length === 0 && this.waiting.length === 0 && !this.closing) this.finish();
  }

  private mayBegin(): boolean {
    if (this.closing || this.gone || this.sending !== null || this.script.length === 0)
      return false;
    const [next] = this.script;
    const last = this.waiting[this.waiting.length - 1];
    if (last !== undefined && (last.close || last.old || last.upgrade)) return false;
    const alone = next.expect || next.upgrade || next.old || next.hostile !== null;
    return this.waiting.length < (alone ? 1 : this.depth);
  }

  private begin(request: Request): void {
    const { world, client } = this;
    this.sending = request;
    this.waiting.push(request);
    request.fate = 'sending';
    request.begunMs = world.clock.nowMs();
    request.begunWallMs = world.clock.wallMs();
    request.at = this.at;
    this.sayWhoItIs(request);
    const body = request.framing === 'none' ? '' : ` with ${request.bodyBytes} bytes`;
    world.note(client.name, `sends ${request.method} ${request.target}${body}`);
    // In a calm world everybody is served in the end.
    if (!world.options.calm) this.watchPatience(request);
    const message = requestMessage(request, world.rng);
    if (this.isBrokenOff(request, message)) return;
    if (!request.expect) {
      // A head without a body is a whole request.
      this.sendRest(request, [message.head, message.body]);
      if (request.early > 0) this.send(patternBytes(request.requestStart, 0, request.early), null);
      return;
    }
    this.send(message.head, null);
    this.heldBody = () => {
      this.heldBody = null;
      this.sendRest(request, [message.body]);
    };
    const { heldBody } = this;
    world.after(CONTINUE_PATIENCE_MS, () => {
      if (this.heldBody === heldBody) heldBody();
    });
  }

  private sayWhoItIs(request: Request): void {
    const { sticky } = this.world.options;
    if (sticky === null) return;
    if (sticky.kind === 'cookie') request.cookie = this.cookieToSend();
    else if (sticky.learn) request.session = this.client.session;
    else request.session = this.world.rng.chance(1, 20) ? null : this.client.name;
  }

  /** Some forget theirs, and some try what they have made up. */
  private cookieToSend(): string | null {
    const { rng } = this.world;
    if (rng.chance(1, 20)) return FORGED_COOKIE;
    return rng.chance(1, 20) ? null : this.client.cookie;
  }

  private sendRest(request: Request, parts: readonly Uint8Array[]): void {
    if (this.closing || this.gone) return;
    const rest = parts.filter((part) => part.length > 0);
    const done = (): void => {
      request.sentWhole = true;
      this.sending = null;
      this.world.after(0, () => this.sent());
    };
    rest.forEach((part, i) => {
      this.send(part, i === rest.length - 1 ? done : null);
    });
    if (rest.length === 0) done();
  }

  private sent(): void {
    if (this.gone) return;
    this.advance();
    if (this.script.length === 0 && this.halfCloses && this.tunnel === null) {
      const upgrades = this.waiting.some((request) => request.upgrade);
      if (this.sending === null && !upgrades) this.socket.end();
    }
  }

  private send(bytes: Uint8Array, done: (() => void) | null): void {
    const { world } = this;
    const parts = this.slow
      ? cutUp(world.rng, bytes, 12)
      : cutUp(world.rng, bytes, world.rng.chance(1, 3) ? 1 + world.rng.below(4) : 1);
    if (parts.length === 0) parts.push(bytes);
    parts.forEach((part, i) => {
      const pauseMs = i === 0 ? 0 : world.drawMs(this.slow ? [0, 1500] : [0, 5]);
      this.writer.add(part, pauseMs, i === parts.length - 1 ? done : null);
    });
  }

  /** Pranks that leave a request unfinished. */
  private isBrokenOff(request: Request, { head, body }: Message): boolean {
    const { world } = this;
    const vanishes = this.plays('vanish');
    if (!vanishes && !this.plays('truncate')) return false;
    const whole = head.length + body.length;
    const length = 1 + world.rng.below(whole - 1);
    const part = new Uint8Array(length);
    part.set(head.subarray(0, length));
    if (length > head.length) part.set(body.subarray(0, length - head.length), head.length);
    this.closing = true;
    world.hit(request, vanishes ? 'vanish' : 'truncate');
    this.send(part, () => {
      if (vanishes) this.forsake();
      else this.socket.end();
    });
    return true;
  }

  // ---- answers --------------------------------------------------------------------------------

  onData(bytes: Uint8Array): void {
    if (this.gone) return;
    this.reader.feed(bytes);
    const { problem } = this.reader;
    if (problem === null || this.answeredUnread) return;
    this.world.tell((each) => each.malformed?.(`the balancer to ${this.client.name}`, problem));
  }

  answersHead(): boolean {
    return this.waiting[0]?.method === 'HEAD';
  }

  onHead(head: StrictHead): void {
    const { world, client } = this;
    const [request] = this.waiting;
    if (request === undefined) {
      world.note(client.name, `gets ${head.status}, asked for nothing`);
      world.tell((each) => each.unasked?.(client.name, head.status));
      this.forsake();
      return;
    }
    const cookie = cookieIn(head);
    if (cookie !== null) client.cookie = cookie;
    client.session = head.fields.get('x-session') ?? client.session;
    if (head.status === 101) {
      this.openTunnel(request, head);
    } else if (head.status < 200) {
      if (head.status === 100) this.heldBody?.();
    } else {
      this.answer = {
        status: head.status,
        nonce: head.fields.get('x-nonce') ?? null,
        cookie,
        bodyBytes: 0,
        wrongAt: -1,
        whole: false,
        trailer: null,
      };
      request.answer = this.answer;
      this.body = new BodyCheck(request.answerStart);
      if (head.close) {
        this.answeredUnread = head.status === 408 && request.method === 'HEAD';
        this.stopSending();
      }
      world.note(client.name, `gets ${head.status} for ${request.nonce}`);
    }
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.body.feed(bytes, start, end);
  }

  onMessage(trailers: ReadonlyMap<string, string>): void {
    const { answer } = this;
    if (answer === null) return;
    this.answer = null;
    const request = this.waiting.shift()!;
    answer.bodyBytes = this.body.count;
    answer.wrongAt = this.body.wrongAt;
    answer.trailer = trailers.get('x-trail') ?? null;
    answer.whole = true;
    request.fate = 'answered';
    this.heldBody?.();
    this.world.tell((each) => each.answered?.(request, answer));
    // Not from inside the reader: what follows may be the next answer.
    this.world.after(0, () => this.afterAnswer());
  }

  private afterAnswer(): void {
    if (this.gone) return;
    if (this.closing && this.waiting.length === 0) this.socket.close();
    else this.advance();
  }

  /** The balancer will close: what has not been answered by then never is. */
  private stopSending(): void {
    this.closing = true;
    this.heldBody = null;
    this.writer.stop();
    this.sending = null;
    this.waiting.splice(1).forEach((request) => {
      request.fate = 'broken';
    });
  }

  // ---- tunnels --------------------------------------------------------------------------------

  private openTunnel(request: Request, head: StrictHead): void {
    const { world, client } = this;
    world.note(client.name, `gets 101 for ${request.nonce}`);
    if (!request.upgrade) world.tell((each) => each.unasked?.(client.name, 101));
    request.answer = {
      status: 101,
      nonce: request.nonce,
      cookie: cookieIn(head),
      bodyBytes: 0,
      wrongAt: -1,
      whole: false,
      trailer: head.fields.get('x-trail') ?? null,
    };
    this.tunnel = request;
    this.tunnelCheck = new BodyCheck(request.requestStart);
    this.script.length = 0;
    this.sendThrough(request, () => {
      this.tunnelSent = true;
      this.socket.end();
    });
  }

  /** Now and then so slowly that only what it sends itself keeps the tunnel open. */
  private sendThrough({ requestStart, bodyBytes, early }: Request, done: () => void): void {
    const { world } = this;
    const rest = bodyBytes - early;
    if (rest < SLOW_PARTS || world.healed || !world.rng.chance(1, 4)) {
      this.send(patternBytes(requestStart, early, rest), done);
      return;
    }
    for (let i = 0; i < SLOW_PARTS; i++) {
      const from = early + i;
      const length = i < SLOW_PARTS - 1 ? 1 : rest - i;
      const pauseMs = world.options.tunnelIdleMs / 2;
      const isLast = i === SLOW_PARTS - 1;
      this.writer.add(patternBytes(requestStart, from, length), pauseMs, isLast ? done : null);
    }
  }

  onTunnel(bytes: Uint8Array): void {
    this.tunnelCheck.feed(bytes, 0, bytes.length);
  }

  private endTunnel(request: Request): void {
    const answer = request.answer!;
    answer.bodyBytes = this.tunnelCheck.count;
    answer.wrongAt = this.tunnelCheck.wrongAt;
    answer.whole = this.tunnelSent;
    this.waiting.shift();
    request.fate = 'answered';
    this.world.note(this.client.name, `ends the tunnel of ${request.nonce}`);
    this.world.tell((each) => each.tunnelEnded?.(request));
    this.socket.close();
  }

  // ---- ends -----------------------------------------------------------------------------------

  onDrain(): void {
    this.writer.drained();
  }

  onEnd(): void {
    if (this.tunnel !== null) {
      this.endTunnel(this.tunnel);
      return;
    }
    const amid = this.reader.inMessage && !this.reader.endsWithConnection;
    this.reader.end();
    this.world.note(this.client.name, `sees FIN, ${this.waiting.length} unanswered`);
    const unanswered = [...this.waiting];
    this.world.tell((each) => each.ended?.(unanswered, amid));
    this.settle('broken');
    this.socket.close();
  }

  onClose(failure: Failure | null): void {
    if (this.gone) return;
    const why = failure === null ? 'closed' : failure.kind;
    this.world.note(
      this.client.name,
      `is disconnected (${why}), ${this.waiting.length} unanswered`,
    );
    this.settle('broken');
    this.over();
  }

  private over(): void {
    this.gone = true;
    this.writer.stop();
    this.client.ended();
  }

  private settle(fate: Fate): void {
    this.closing = true;
    this.writer.stop();
    for (const request of this.waiting.splice(0)) request.fate = fate;
  }

  /** All is answered: it closes at once, or is idle for a while. */
  private finish(): void {
    this.closing = true;
    const { world } = this;
    const idleMs = world.healed || world.rng.chance(1, 2) ? 0 : world.drawMs([0, 4000]);
    world.after(idleMs, () => {
      if (!this.gone) this.socket.close();
    });
  }

  /** It breaks the connection itself. */
  private forsake(): void {
    if (this.gone) return;
    this.world.note(this.client.name, `breaks off, ${this.waiting.length} unanswered`);
    this.settle('forsaken');
    this.socket.reset();
  }

  private watchPatience(request: Request): void {
    this.world.after(this.world.drawMs([5000, 60_000]), () => {
      if (request.ended || this.gone || this.world.healed || !this.waiting.includes(request))
        return;
      this.world.hit(request, 'impatience');
      this.forsake();
    });
  }

  private planAbort(): void {
    this.world.after(
      this.world.drawMs(
        this.world.pick([
          [0, 3],
          [0, 100],
          [0, 3000],
        ] as const),
      ),
      () => {
        if (this.gone || this.world.healed) return;
        if (this.waiting.length > 0) this.world.hit(this.waiting[0], 'abort');
        this.forsake();
      },
    );
  }

  private planDeafness(): void {
    this.world.after(this.world.drawMs([0, 100]), () => {
      if (this.gone || this.world.healed) return;
      if (this.waiting.length > 0) this.world.hit(this.waiting[0], 'client-deaf');
      this.socket.pause();
      this.world.after(this.world.drawMs([100, 20_000]), () => this.hear());
    });
  }

  private hear(): void {
    if (!this.gone) this.socket.resume();
  }

  heal(): void {
    this.hear();
    this.writer.hurry();
    this.script.length = 0;
    if (this.waiting.length === 0 && !this.closing) this.finish();
  }

  leave(): void {
    if (!this.gone) this.socket.reset();
  }
}

/** What the balancer's cookie is set to; null: it is not set. */
const cookieIn = (head: StrictHead): string | null =>
  /^lb=([^;]*);/.exec(head.fields.get('set-cookie') ?? '')?.[1] ?? null;
