/**
 * A second, independent reader of HTTP/1 messages for the black-box tests. It knows nothing of
 * `src/`, and it is trivially strict: one way to write each thing, everything else is a problem.
 * Bytes are held as latin1 strings, so that each character is one byte.
 */

export interface Field {
  /** Lower case. */
  readonly name: string;
  readonly value: string;
}

export interface Message {
  /** As on the wire, without CR LF. */
  readonly startLine: string;
  readonly fields: Field[];
  body: string;
  trailers: Field[];
  /** False: the connection ended, or broke a rule, before the message did. */
  complete: boolean;
}

export interface RequestMessage extends Message {
  readonly method: string;
  readonly target: string;
  readonly version: string;
}

export interface ResponseMessage extends Message {
  readonly status: number;
  readonly version: string;
}

/** All values of a field joined by `, `, or null when it is absent. `name` in lower case. */
export function fieldValue(fields: readonly Field[], name: string): string | null {
  const values = fields.filter((field) => field.name === name).map((field) => field.value);
  return values.length === 0 ? null : values.join(', ');
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) (HTTP\/1\.[01])$/;
const statusLine = /^(HTTP\/1\.[01]) ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)$/;
/** Other control characters are opaque to HTTP; these three mean a border to somebody. */
const fieldText = /^[^\r\n\0]*$/;
const chunkLine = /^([0-9A-Fa-f]{1,12})(;.*)?$/;

type State = 'head' | 'sized' | 'until-close' | 'chunk' | 'data' | 'data-end' | 'trailers' | 'raw';

/** What both directions share: lines, fields, bodies. `M` is what a start line becomes. */
abstract class StrictReader<M extends Message> {
  /** The rule that was broken first; nothing is read after it. */
  problem: string | null = null;
  /** Bytes after the stream became opaque (an upgrade). */
  raw = '';
  protected state: State = 'head';
  private pending = '';
  private current: M | null = null;
  private parts: string[] = [];
  private left = 0;

  protected abstract startMessage(startLine: string, fields: Field[]): M | null;
  protected abstract framing(message: M): { state: State; length: number };
  protected abstract onHead(message: M): void;
  protected abstract onMessage(message: M): void;

  /** Bytes have come that do not belong to the message read last. */
  get hasMore(): boolean {
    return this.pending !== '';
  }

  push(bytes: string): void {
    if (this.problem !== null) return;
    this.pending += bytes;
    while (this.problem === null && this.step());
  }

  /** The peer sent FIN. Returns the message that was cut short, if any. */
  finish(): M | null {
    const message = this.current;
    if (message === null) {
      if (this.pending.length > 0) this.problem ??= 'ended inside a head';
      return null;
    }
    message.body = this.parts.join('');
    if (this.state === 'until-close') {
      this.finishMessage(message);
      return null;
    }
    this.current = null;
    return message;
  }

  /** True between messages, with nothing read of the next. */
  isIdle(): boolean {
    return this.state === 'head' && this.current === null && this.pending.length === 0;
  }

  /** Everything from here on is opaque. */
  becomeRaw(): void {
    if (this.current !== null) this.current.complete = true;
    this.current = null;
    this.state = 'raw';
    this.raw += this.pending;
    this.pending = '';
  }

  protected fail(problem: string): null {
    this.problem ??= problem;
    return null;
  }

  /** Takes one thing off `pending`; false when there is not enough yet. */
  private step(): boolean {
    switch (this.state) {
      case 'head':
        return this.readHead();
      case 'sized':
      case 'data':
        return this.readBytes();
      case 'until-close':
        this.parts.push(this.pending);
        this.pending = '';
        return false;
      case 'chunk':
        return this.readChunkLine();
      case 'data-end':
        return this.readDataEnd();
      case 'trailers':
        return this.readTrailers();
      case 'raw':
        this.raw += this.pending;
        this.pending = '';
        return false;
    }
  }

  private readHead(): boolean {
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0) {
      if (/[\n\0]|\r[^\n]/.test(this.pending.replaceAll('\r\n', ''))) {
        this.fail('bare CR, LF or NUL in a head');
      }
      return false;
    }
    const lines = this.pending.slice(0, end).split('\r\n');
    this.pending = this.pending.slice(end + 4);
    const fields = this.readFields(lines.slice(1));
    if (fields === null) return false;
    const message = this.startMessage(lines[0], fields);
    if (message === null) return false;
    this.parts = [];
    this.current = message;
    const { state, length } = this.framing(message);
    if (this.problem !== null) return false;
    this.state = state;
    this.left = length;
    this.onHead(message);
    if (this.state === 'sized' && length === 0) this.finishMessage(message);
    return true;
  }

  private readFields(lines: readonly string[]): Field[] | null {
    const fields: Field[] = [];
    for (const line of lines) {
      if (/^[ \t]/.test(line)) return this.fail('a folded line');
      const colon = line.indexOf(':');
      if (colon < 0) return this.fail(`a field line without a colon: ${JSON.stringify(line)}`);
      const name = line.slice(0, colon);
      if (!token.test(name)) return this.fail(`a bad field name: ${JSON.stringify(name)}`);
      const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
      if (!fieldText.test(value)) return this.fail(`a bad field value: ${JSON.stringify(value)}`);
      fields.push({ name: name.toLowerCase(), value });
    }
    return fields;
  }

  private readBytes(): boolean {
    if (this.pending.length === 0) return false;
    const taken = this.pending.slice(0, this.left);
    this.pending = this.pending.slice(taken.length);
    this.parts.push(taken);
    this.left -= taken.length;
    if (this.left > 0) return false;
    if (this.state === 'data') this.state = 'data-end';
    else if (this.current !== null) this.finishMessage(this.current);
    return true;
  }

  private readChunkLine(): boolean {
    const line = this.takeLine();
    if (line === null) return false;
    const match = chunkLine.exec(line);
    if (match === null || !fieldText.test(line)) {
      this.fail(`a bad chunk line: ${JSON.stringify(line.slice(0, 80))}`);
      return false;
    }
    this.left = Number.parseInt(match[1], 16);
    this.state = this.left === 0 ? 'trailers' : 'data';
    return true;
  }

  private readDataEnd(): boolean {
    if (this.pending.length < 2) return false;
    if (!this.pending.startsWith('\r\n')) {
      this.fail('chunk data not followed by CR LF');
      return false;
    }
    this.pending = this.pending.slice(2);
    this.state = 'chunk';
    return true;
  }

  private readTrailers(): boolean {
    const line = this.takeLine();
    if (line === null || this.current === null) return false;
    if (line === '') {
      this.finishMessage(this.current);
      return true;
    }
    const fields = this.readFields([line]);
    if (fields === null) return false;
    this.current.trailers.push(...fields);
    return true;
  }

  private takeLine(): string | null {
    const end = this.pending.indexOf('\r\n');
    if (end < 0) {
      if (/[\n\0]|\r./.test(this.pending)) this.fail('bare CR, LF or NUL in a line');
      return null;
    }
    const line = this.pending.slice(0, end);
    this.pending = this.pending.slice(end + 2);
    return line;
  }

  private finishMessage(message: M): void {
    message.body = this.parts.join('');
    message.complete = true;
    this.current = null;
    if (this.state !== 'raw') this.state = 'head';
    this.onMessage(message);
  }

  /** Content-Length and Transfer-Encoding as this reader allows them; null: neither is there. */
  protected declaredFraming(fields: readonly Field[]): { state: State; length: number } | null {
    const length = fieldValue(fields, 'content-length');
    const coding = fieldValue(fields, 'transfer-encoding');
    if (length !== null && coding !== null) {
      this.fail('Content-Length and Transfer-Encoding together');
    } else if (coding !== null) {
      if (coding !== 'chunked') this.fail(`Transfer-Encoding: ${coding}`);
      return { state: 'chunk', length: 0 };
    } else if (length !== null) {
      if (!/^(0|[1-9][0-9]{0,14})$/.test(length)) this.fail(`Content-Length: ${length}`);
      return { state: 'sized', length: Number(length) };
    }
    return null;
  }
}

/** Reads what a backend is sent. */
export class RequestReader extends StrictReader<RequestMessage> {
  private readonly heads: (request: RequestMessage) => void;
  private readonly wholes: (request: RequestMessage) => void;

  constructor(
    onHead: (request: RequestMessage) => void,
    onWhole: (request: RequestMessage) => void,
  ) {
    super();
    this.heads = onHead;
    this.wholes = onWhole;
  }

  protected override startMessage(startLine: string, fields: Field[]): RequestMessage | null {
    const match = requestLine.exec(startLine);
    if (match === null) return this.fail(`a bad request line: ${JSON.stringify(startLine)}`);
    const hosts = fields.filter((field) => field.name === 'host');
    if (match[3] === 'HTTP/1.1' && hosts.length !== 1)
      return this.fail(`${hosts.length} Host fields`);
    return {
      startLine,
      method: match[1],
      target: match[2],
      version: match[3],
      fields,
      body: '',
      trailers: [],
      complete: false,
    };
  }

  protected override framing(message: RequestMessage): { state: State; length: number } {
    return this.declaredFraming(message.fields) ?? { state: 'sized', length: 0 };
  }

  protected override onHead(message: RequestMessage): void {
    this.heads(message);
  }

  protected override onMessage(message: RequestMessage): void {
    this.wholes(message);
  }
}

/** Reads what a client is answered. `nextMethod` tells the method of the request being answered. */
export class ResponseReader extends StrictReader<ResponseMessage> {
  /** Final and interim answers, in order of their heads; the last may be incomplete. */
  readonly messages: ResponseMessage[] = [];
  private readonly nextMethod: () => string;

  constructor(nextMethod: () => string) {
    super();
    this.nextMethod = nextMethod;
  }

  /** The final answers (status 200 and above, or 101). */
  finals(): ResponseMessage[] {
    return this.messages.filter((message) => message.status >= 200 || message.status === 101);
  }

  protected override startMessage(startLine: string, fields: Field[]): ResponseMessage | null {
    const match = statusLine.exec(startLine);
    if (match === null) return this.fail(`a bad status line: ${JSON.stringify(startLine)}`);
    return {
      startLine,
      version: match[1],
      status: Number(match[2]),
      fields,
      body: '',
      trailers: [],
      complete: false,
    };
  }

  protected override framing(message: ResponseMessage): { state: State; length: number } {
    const declared = this.declaredFraming(message.fields);
    if (message.status < 200) return { state: 'sized', length: 0 };
    if (message.status === 204 || message.status === 304 || this.nextMethod() === 'HEAD') {
      return { state: 'sized', length: 0 };
    }
    return declared ?? { state: 'until-close', length: 0 };
  }

  protected override onHead(message: ResponseMessage): void {
    this.messages.push(message);
    if (message.status === 101) this.becomeRaw();
  }

  protected override onMessage(): void {}
}
