/** A response onto a client's HTTP/1 connection, in the framing that the client can read. */
import { view, writeLatin1 } from '../base/bytes.ts';
import type { Socket } from '../base/transport.ts';
import { reasonOf } from '../http/answers.ts';
import type { Head } from '../http/head.ts';
import { Body, type RequestFacts } from '../http/request-facts.ts';
import type { ResponseFacts } from '../http/response-facts.ts';
import {
  Persist,
  writeChunkedEnd,
  writeInterimHead,
  writeResponseHead,
} from '../http1/write-head.ts';
import type { Engine } from './engine.ts';
import { mayTravelAsTrailer } from './header-policy.ts';
import type { Answer } from './sides.ts';
import { COALESCE_BYTES } from './write-buffer.ts';

/** A chunk's size line and line end. */
const CHUNK_MARGIN = 20;

export class ResponseWriter {
  persist: Persist = Persist.keep;
  takesWire = false;

  private readonly engine: Engine;
  private readonly socket: Socket;
  /** Who holds the write buffer on our behalf: it is asked to flush. */
  private readonly owner: { flush(): void };
  private old = false;
  private isHead = false;
  /** The body's length is not known: we put it in chunks. */
  private chunking = false;
  private chunked = false;
  private written = 0;
  private mark = 0;

  constructor(engine: Engine, socket: Socket, owner: { flush(): void }) {
    this.engine = engine;
    this.socket = socket;
    this.owner = owner;
  }

  /** A request has been understood; its response comes next. */
  begin(facts: RequestFacts): void {
    this.old = facts.old;
    this.isHead = facts.isHead;
    this.takesWire = this.chunking = this.chunked = false;
    this.persist = Persist.close;
  }

  interim(head: Head): void {
    const out = this.engine.responseOut;
    out.claim(this.owner);
    out.length = writeInterimHead(out.bytes, 0, head, false, null);
    this.flush();
  }

  switchProtocols(head: Head, cookie: Uint8Array | null): void {
    const out = this.engine.responseOut;
    out.claim(this.owner);
    out.length = writeInterimHead(out.bytes, 0, head, true, cookie);
    this.flush();
  }

  respond(head: Head, facts: ResponseFacts, mayPersist: boolean, cookie: Uint8Array | null): void {
    const unknown = facts.body === Body.chunked || facts.body === Body.untilClose;
    this.chunked = unknown && !this.old;
    this.chunking = this.chunked && facts.body === Body.untilClose;
    this.takesWire = this.chunked && facts.body === Body.chunked;
    const persists = mayPersist && !(unknown && this.old);
    if (!persists) this.persist = Persist.close;
    else this.persist = this.old ? Persist.keepOld : Persist.keep;
    const out = this.engine.responseOut;
    out.claim(this.owner);
    const date = facts.hasDate ? null : this.engine.dateField();
    const { chunked, persist } = this;
    out.length = writeResponseHead(out.bytes, 0, head, facts, chunked, persist, date, cookie);
  }

  /** False: the client does not take everything now. */
  body(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.chunking) return this.chunk(bytes, start, end);
    const out = this.engine.responseOut;
    if (out.isHeldBy(this.owner)) {
      if (out.append(bytes, start, end)) return true;
      return this.write(out.take(), view(bytes, start, end));
    }
    return this.write(view(bytes, start, end));
  }

  private chunk(bytes: Uint8Array, start: number, end: number): boolean {
    if (start === end) return true;
    const out = this.engine.responseOut;
    const small = end - start + CHUNK_MARGIN <= COALESCE_BYTES;
    if (!out.isHeldBy(this.owner)) out.claim(this.owner);
    if (!small || out.length + end - start + CHUNK_MARGIN > out.bytes.length) {
      this.flush();
      out.claim(this.owner);
    }
    out.length = writeLatin1(`${(end - start).toString(16)}\r\n`, out.bytes, out.length);
    if (small) {
      out.append(bytes, start, end);
      out.length = writeLatin1('\r\n', out.bytes, out.length);
      return true;
    }
    this.write(out.take(), view(bytes, start, end));
    out.claim(this.owner);
    out.length = writeLatin1('\r\n', out.bytes, 0);
    return this.flush();
  }

  finish(trailers: Head | null): void {
    const out = this.engine.responseOut;
    if (this.chunking || (this.chunked && trailers !== null)) {
      // Sends what is held: a long head, parts of a body and trailers do not fit together.
      if (trailers !== null || !out.isHeldBy(this.owner)) out.claim(this.owner);
      const sent = this.takesWire;
      out.length = writeChunkedEnd(out.bytes, out.length, trailers, sent, mayTravelAsTrailer);
    }
    this.flush();
  }

  /** Sends what is held. False: the client does not take everything now. */
  flush(): boolean {
    const out = this.engine.responseOut;
    return out.isHeldBy(this.owner) ? this.write(out.take()) : true;
  }

  answer(answer: Answer, mayPersist: boolean): void {
    const { status, body } = answer;
    if (!mayPersist) this.persist = Persist.close;
    else this.persist = this.old ? Persist.keepOld : Persist.keep;
    const connection = ['', 'Connection: keep-alive\r\n', 'Connection: close\r\n'][this.persist];
    const head =
      `HTTP/1.1 ${status} ${reasonOf(status)}\r\n` +
      `Content-Type: ${answer.contentType}\r\nContent-Length: ${body.length}\r\n` +
      `${answer.fields}${connection}`;
    const out = this.engine.responseOut;
    out.claim(this.owner);
    out.length = writeLatin1(head, out.bytes, 0);
    const date = this.engine.dateField();
    out.append(date, 0, date.length);
    out.length = writeLatin1('\r\n', out.bytes, out.length);
    if (this.isHead || out.append(body, 0, body.length)) this.flush();
    else this.write(out.take(), body);
  }

  private write(bytes: Uint8Array, following?: Uint8Array): boolean {
    this.written += bytes.length;
    if (following !== undefined) this.written += following.length;
    return this.socket.write(bytes, following);
  }

  /** Bytes of the body have gone to the socket by themselves. */
  relayed(bytes: number): void {
    this.written += bytes;
  }

  /** From here `takenBytes` counts. */
  markUnsent(): void {
    this.mark = this.written - this.socket.unsentBytes();
  }

  /** Bytes the kernel has taken since the mark. */
  takenBytes(): number {
    return this.written - this.socket.unsentBytes() - this.mark;
  }
}
