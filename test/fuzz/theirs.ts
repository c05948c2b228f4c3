/**
 * The other parser: llhttp, as Node's `http` runs it, with no leniency.
 *
 * `http.Server` is the public way to it: a Duplex handed to `server.emit('connection')`. It takes
 * 190 microseconds a stream, and says neither where it stopped nor what it had read by then. The
 * binding takes 5, and a million streams have to fit into minutes. It is internal, and used here
 * only; `differential.test.ts` holds it to what `http.Server` sees.
 */
import type { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import type { Message, Reading } from './reading.ts';

type Headers = readonly string[];

interface Fault {
  readonly code: string;
  readonly bytesParsed: number;
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  /** Returns how many bytes were used, or why not. */
  execute(bytes: Buffer): number | Fault;
  [callback: number]: (...values: never[]) => number | undefined;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly kOnMessageBegin: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

interface HttpCommon {
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
  /** Newer versions: all that the parser numbers, `methods` being those of HTTP alone. */
  readonly allMethods?: readonly string[];
}

const common = createRequire(import.meta.url)('_http_common') as HttpCommon;
const { HTTPParser } = common;
const methods = common.allMethods ?? common.methods;

const MAX_HEADER_BYTES = 64 * 1024;

function listed(headers: Headers): string {
  let fields = '';
  for (let i = 0; i < headers.length; i += 2) fields += `${headers[i]}: ${headers[i + 1]}\n`;
  return fields;
}

/** Reads streams, one after another. */
export class TheirReader {
  private readonly parser: Parser;
  private messages: Message[] = [];
  private begun = false;
  private isOpen = false;
  private method = '';
  private url = '';
  private minor = 1;
  private fields = '';
  private trailers = '';
  private body = '';
  private keepAlive = true;

  constructor() {
    const parser = new HTTPParser();
    this.parser = parser;
    parser[HTTPParser.kOnMessageBegin] = () => this.onBegin();
    // Called when many fields have come, and with the trailers.
    parser[HTTPParser.kOnHeaders] = (headers: Headers, url: string) => this.onFields(headers, url);
    parser[HTTPParser.kOnHeadersComplete] = (...values: unknown[]) => this.onHead(values);
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => {
      this.body += bytes.toString('latin1');
      return undefined;
    };
    parser[HTTPParser.kOnMessageComplete] = () => this.onComplete();
  }

  read(stream: Buffer): Reading {
    this.parser.initialize(HTTPParser.REQUEST, {}, MAX_HEADER_BYTES, 0);
    this.messages = [];
    this.begun = this.isOpen = false;
    let from = 0;
    // A request for an upgrade stops the parser; we are the server that does not switch.
    while (from < stream.length) {
      const outcome = this.parser.execute(from === 0 ? stream : stream.subarray(from));
      if (typeof outcome !== 'number') return this.judge(outcome, from);
      from += outcome;
      // In the body of such a request the binding says where it stopped, and keeps the reason.
      const isHidden = from < stream.length && (this.begun || outcome === 0);
      if (isHidden) return this.judge({ code: 'a fault in an upgrade', bytesParsed: 0 }, from);
    }
    return this.judge(null, from);
  }

  private judge(fault: Fault | null, from: number): Reading {
    const { messages } = this;
    const unread = fault?.code === 'HPE_CLOSED_CONNECTION';
    if (fault !== null && !unread) {
      const refusedAt = from + fault.bytesParsed;
      return { messages, open: null, end: 'refused', unread: false, why: fault.code, refusedAt };
    }
    const open = this.isOpen ? this.message() : null;
    const last = messages.at(-1);
    // A Connection field among the trailers counts for this parser, later than it told us.
    if (unread && last?.keepAlive) messages.splice(-1, 1, { ...last, keepAlive: false });
    const closed = last !== undefined && (unread || (!last.keepAlive && !this.begun));
    const end = closed ? 'closed' : this.begun ? 'partial' : 'whole';
    return { messages, open, end, unread, why: '', refusedAt: -1 };
  }

  private message(): Message {
    const { method, url: target, minor, fields, trailers, body, keepAlive } = this;
    return { method, target, minor, fields, trailers, body, keepAlive };
  }

  private onBegin(): undefined {
    this.begun = true;
    this.method = this.url = this.fields = this.trailers = this.body = '';
  }

  private onFields(headers: Headers, url: string): undefined {
    if (this.isOpen) this.trailers += listed(headers);
    else {
      this.fields += listed(headers);
      this.url += url;
    }
  }

  /** Version (two numbers), fields, method, target, status (two), upgrade, keep-alive. */
  private onHead(values: readonly unknown[]): number {
    const [, minor, headers, method, url, , , , keepAlive] = values;
    this.isOpen = true;
    if (headers !== undefined) this.fields += listed(headers as Headers);
    if (url !== undefined) this.url += url as string;
    this.minor = minor as number;
    this.method = methods[method as number];
    this.keepAlive = keepAlive as boolean;
    return 0;
  }

  private onComplete(): undefined {
    this.messages.push(this.message());
    this.begun = this.isOpen = false;
  }
}
