/**
 * A second opinion on HTTP/1.1: reads what the balancer sends, to either side, and knows nothing of
 * its code. It is as strict and as simple as can be: there is one way to write each thing, and
 * everything else is malformed.
 */
import { toLatin1 } from '../src/core/base/bytes.ts';

/** A head as it stood on the wire; field names in lower case. */
export interface StrictHead {
  /** Of a request. */
  readonly method: string;
  readonly target: string;
  /** Of a response; 0: it is a request. */
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  /** The values of all Set-Cookie lines, the one field that may be there twice and is no list. */
  readonly setCookies: readonly string[];
  readonly framing: Framing;
  /** The declared length, with framing `length`. */
  readonly length: number;
  /** A response after which the connection closes. */
  readonly close: boolean;
}

/** How the body ends. `tunnel`: there is none, bytes of another protocol follow. */
export type Framing = 'none' | 'length' | 'chunked' | 'close' | 'tunnel';

export interface StrictEvents {
  /** Asked at each response head: does it answer a HEAD request? */
  answersHead(): boolean;
  onHead(head: StrictHead): void;
  onBody(bytes: Uint8Array, start: number, end: number): void;
  /** The message is whole. */
  onMessage(trailers: ReadonlyMap<string, string>): void;
  /** Bytes after a 101. */
  onTunnel(bytes: Uint8Array): void;
}

const LONGEST_LINE = 64 * 1024;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\t\x20-\x7e\x80-\xff]*)$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.1 ([1-9]\d\d) [\t\x20-\x7e\x80-\xff]*$/;
/** What a message carries once if at all. */
const SINGLE = /^(host|content-length|transfer-encoding|date|x-nonce|expect|upgrade|connection)$/;
const NO_FIELDS: ReadonlyMap<string, string> = new Map();

type Await = 'start' | 'fields' | 'body' | 'size' | 'data' | 'dataEnd' | 'trailers' | 'tunnel';

export class StrictReader {
  /** Null, or what is wrong with what was read; then nothing more is read. */
  problem: string | null = null;
  /** Bytes of a message have come, and it is not whole. */
  private awaits: Await = 'start';
  private readonly isRequest: boolean;
  private readonly events: StrictEvents;
  private line = '';
  private first = '';
  private fields = new Map<string, string>();
  private setCookies: string[] = [];
  private framing: Framing = 'none';
  private remaining = 0;

  constructor(reads: 'requests' | 'responses', events: StrictEvents) {
    this.isRequest = reads === 'requests';
    this.events = events;
  }

  /** A message has begun and is not whole. One that ends with the connection counts as well. */
  get inMessage(): boolean {
    if (this.awaits === 'tunnel') return false;
    return this.awaits !== 'start' || this.line !== '';
  }

  /** A FIN would make the message whole. */
  get endsWithConnection(): boolean {
    return this.awaits === 'body' && this.framing === 'close';
  }

  /** The peer's FIN. */
  end(): void {
    if (this.endsWithConnection) this.finish(NO_FIELDS);
  }

  /** What comes from now on is another protocol: a 101 has answered the last request. */
  becomeTunnel(): void {
    this.awaits = 'tunnel';
  }

  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.problem === null) {
      if (this.awaits === 'tunnel') {
        this.events.onTunnel(bytes.subarray(at));
        return;
      }
      if (this.awaits === 'body' || this.awaits === 'data') at = this.readBody(bytes, at);
      else at = this.readLine(bytes, at);
    }
  }

  private readBody(bytes: Uint8Array, at: number): number {
    const rest = bytes.length - at;
    const take = this.framing === 'close' ? rest : Math.min(rest, this.remaining);
    this.events.onBody(bytes, at, at + take);
    this.remaining -= take;
    if (this.framing !== 'close' && this.remaining === 0) {
      if (this.awaits === 'data') this.awaits = 'dataEnd';
      else this.finish(NO_FIELDS);
    }
    return at + take;
  }

  private readLine(bytes: Uint8Array, at: number): number {
    let end = at;
    while (end < bytes.length && bytes[end] !== 10) end++;
    this.line += toLatin1(bytes, at, end);
    if (this.line.length > LONGEST_LINE) this.problem = 'a line without an end';
    if (end === bytes.length) return end;
    const { line } = this;
    this.line = '';
    if (!line.endsWith('\r')) this.problem = `a line that ends without CR: ${show(line)}`;
    else if (line.indexOf('\r') !== line.length - 1) this.problem = `a CR within: ${show(line)}`;
    else this.onLine(line.slice(0, -1));
    return end + 1;
  }

  private onLine(line: string): void {
    switch (this.awaits) {
      case 'start':
        this.first = line;
        this.fields = new Map();
        this.setCookies = [];
        this.awaits = 'fields';
        return;
      case 'fields':
        if (line === '') this.onHeadEnd();
        else this.onField(line);
        return;
      case 'size':
        this.onSize(line);
        return;
      case 'dataEnd':
        if (line !== '') this.problem = `bytes after a chunk's data: ${show(line)}`;
        this.awaits = 'size';
        return;
      case 'trailers':
        if (line === '') this.finish(this.fields);
        else this.onField(line);
        return;
    }
  }

  private onField(line: string): void {
    const parts = FIELD.exec(line);
    if (parts === null) {
      this.problem = `a malformed field line: ${show(line)}`;
      return;
    }
    const name = parts[1].toLowerCase();
    if (SINGLE.test(name) && this.fields.has(name)) this.problem = `${name} twice`;
    if (name === 'set-cookie') this.setCookies.push(parts[2]);
    this.fields.set(name, parts[2]);
  }

  private onSize(line: string): void {
    if (!/^[0-9A-Fa-f]{1,8}$/.test(line)) {
      this.problem = `a malformed chunk size: ${show(line)}`;
      return;
    }
    this.remaining = Number.parseInt(line, 16);
    this.fields = new Map();
    this.awaits = this.remaining === 0 ? 'trailers' : 'data';
  }

  private onHeadEnd(): void {
    const parts = (this.isRequest ? REQUEST_LINE : STATUS_LINE).exec(this.first);
    if (parts === null) {
      this.problem = `a malformed first line: ${show(this.first)}`;
      return;
    }
    const { fields } = this;
    const status = this.isRequest ? 0 : Number(parts[1]);
    const length = fields.get('content-length');
    const encoding = fields.get('transfer-encoding');
    this.checkFraming(status, length, encoding);
    if (this.isRequest && !fields.has('host')) this.problem = 'a request without Host';
    if (this.problem !== null) return;
    this.framing = this.framingOf(status, length, encoding);
    this.remaining = this.framing === 'length' ? Number(length) : 0;
    this.begin({
      method: this.isRequest ? parts[1] : '',
      target: this.isRequest ? parts[2] : '',
      status,
      fields,
      setCookies: this.setCookies,
      framing: this.framing,
      length: this.remaining,
      close: fields.get('connection')?.toLowerCase() === 'close',
    });
  }

  private checkFraming(status: number, length?: string, encoding?: string): void {
    if (length !== undefined && encoding !== undefined) {
      this.problem = 'both Content-Length and Transfer-Encoding';
    } else if (length !== undefined && !/^(0|[1-9]\d{0,14})$/.test(length)) {
      this.problem = `Content-Length: ${show(length)}`;
    } else if (encoding !== undefined && encoding !== 'chunked') {
      this.problem = `Transfer-Encoding: ${show(encoding)}`;
    } else if ((status === 204 || (status > 0 && status < 200)) && (length ?? encoding)) {
      this.problem = `a ${status} that speaks of a body`;
    }
  }

  private framingOf(status: number, length?: string, encoding?: string): Framing {
    if (status === 101) return 'tunnel';
    if ((status > 0 && status < 200) || status === 204 || status === 304) return 'none';
    if (status > 0 && this.events.answersHead()) return 'none';
    if (encoding !== undefined) return 'chunked';
    if (length !== undefined) return length === '0' ? 'none' : 'length';
    return this.isRequest ? 'none' : 'close';
  }

  private begin(head: StrictHead): void {
    const { framing } = head;
    if (framing === 'tunnel') this.awaits = 'tunnel';
    else this.awaits = framing === 'chunked' ? 'size' : 'body';
    this.events.onHead(head);
    if (framing === 'none') this.finish(NO_FIELDS);
  }

  private finish(trailers: ReadonlyMap<string, string>): void {
    this.awaits = 'start';
    this.framing = 'none';
    this.events.onMessage(trailers);
  }
}

const show = (line: string): string => JSON.stringify(line.slice(0, 60));
