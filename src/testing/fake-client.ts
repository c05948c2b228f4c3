/** A client in a pretended world: one connection, one request, one answer. */
import { type StrictEvents, type StrictHead, StrictReader } from '../../sim/strict-reader.ts';
import type { Failure } from '../core/base/failure.ts';
import type { Socket, SocketHandler } from '../core/base/transport.ts';
import { BodyText, type Headers } from './message.ts';

/** What a client got. */
export interface ClientAnswer {
  /** 0: no answer came. */
  readonly status: number;
  /** By name in small letters; of more lines of one name the last. */
  readonly headers: Headers;
  /** The values of all `Set-Cookie` lines. */
  readonly setCookies: readonly string[];
  /** All that came of it. */
  readonly body: string;
  /** Null: it came whole. Else how it ended: `the connection was reset`, `it was closed`. */
  readonly broken: string | null;
  /** From the request to its end; milliseconds. */
  readonly tookMs: number;
}

/** Sends a request over a connection of its own, and tells `done` once what came of it. */
export class Call implements SocketHandler, StrictEvents {
  private readonly reader = new StrictReader('responses', this);
  private readonly text = new BodyText();
  private readonly isHead: boolean;
  private readonly done: (answer: Omit<ClientAnswer, 'tookMs'>) => void;
  private socket: Socket | null = null;
  private head: StrictHead | null = null;
  private isOver = false;

  constructor(isHead: boolean, done: (answer: Omit<ClientAnswer, 'tookMs'>) => void) {
    this.isHead = isHead;
    this.done = done;
  }

  begin(socket: Socket, bytes: Uint8Array): void {
    this.socket = socket;
    socket.write(bytes);
  }

  /** The client has waited long enough. */
  giveUp(): void {
    this.socket?.reset();
    this.finish('the client gave up');
  }

  onOpen(): void {}

  onData(bytes: Uint8Array): void {
    this.reader.feed(bytes);
    const { problem } = this.reader;
    if (problem !== null) throw new Error(`a client cannot read its answer: ${problem}`);
  }

  onDrain(): void {}

  onEnd(): void {
    this.reader.end();
    this.finish('it was closed');
    this.socket?.close();
  }

  onClose(why: Failure | null): void {
    this.finish(why === null ? 'it was closed' : why.cause);
  }

  answersHead(): boolean {
    return this.isHead;
  }

  onHead(head: StrictHead): void {
    this.head = head;
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.text.add(bytes, start, end);
  }

  onTunnel(): void {}

  onMessage(): void {
    if (this.head!.status < 200) {
      this.head = null;
      return;
    }
    this.finish(null);
    this.socket?.close();
  }

  private finish(broken: string | null): void {
    if (this.isOver) return;
    this.isOver = true;
    const { status = 0, fields = new Map(), setCookies = [] } = this.head ?? {};
    const headers = Object.fromEntries(fields);
    this.done({ status, headers, setCookies, body: this.text.take(), broken });
  }
}
