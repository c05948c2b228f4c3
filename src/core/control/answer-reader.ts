/**
 * Reads the head of the answer to a probe: the status, and where a redirect leads. Strict: what is
 * not an HTTP/1.x status line ended by CR LF is no answer. Bytes in, an answer out.
 */
import { toLatin1 } from '../base/bytes.ts';

export interface Answer {
  readonly status: number;
  /** Of a redirect; printable and short enough for a log line. */
  readonly location: string | null;
  /** With its empty line, a character for each byte; empty: its end was not waited for. */
  readonly head: string;
  /** What has come behind the head. */
  readonly rest: string;
}

/** No health check has a reason to answer with a longer head, interim ones included. */
const HEAD_BYTES = 16 * 1024;
const LOCATION_CHARACTERS = 120;

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?$/;

export class AnswerReader {
  private readonly wantsHead: boolean;
  private text = '';
  private interimBytes = 0;

  /** `wantsHead`: the answer is known when its head is whole, not as soon as the status is. */
  constructor(wantsHead: boolean) {
    this.wantsHead = wantsHead;
  }

  /** The answer once it is known; `malformed`, `too_large`; null: more bytes are needed. */
  push(bytes: Uint8Array): Answer | 'malformed' | 'too_large' | null {
    this.text += toLatin1(bytes);
    for (;;) {
      const end = this.text.indexOf('\n');
      if (end < 0) return this.incomplete();
      const match = STATUS_LINE.exec(this.text.slice(0, end - 1));
      if (match === null || this.text[end - 1] !== '\r') return 'malformed';
      if (end > HEAD_BYTES) return 'too_large';
      const status = Number(match[1]);
      const interim = status < 200 && status !== 101;
      const redirect = status >= 300 && status < 400;
      if (!interim && !redirect && !this.wantsHead) {
        return { status, location: null, head: '', rest: '' };
      }
      const headEnd = this.text.indexOf('\r\n\r\n') + 4;
      if (headEnd < 4) return this.isTooLarge(this.text.length) ? 'too_large' : null;
      if (this.isTooLarge(headEnd)) return 'too_large';
      const head = this.text.slice(0, headEnd);
      const rest = this.text.slice(headEnd);
      if (!interim) return { status, location: redirect ? location(head) : null, head, rest };
      this.interimBytes += headEnd;
      this.text = rest;
    }
  }

  private isTooLarge(headBytes: number): boolean {
    return this.interimBytes + headBytes > HEAD_BYTES;
  }

  private incomplete(): 'malformed' | 'too_large' | null {
    const begin = 'HTTP/1.';
    if (this.text.slice(0, begin.length) !== begin.slice(0, this.text.length)) return 'malformed';
    return this.isTooLarge(this.text.length) ? 'too_large' : null;
  }
}

function location(head: string): string | null {
  const match = /\r\nlocation:[ \t]*([^\r\n]*)/i.exec(head);
  if (match === null) return null;
  const text = match[1].trim().replace(/[^\x21-\x7e]/g, '?');
  return text.length > LOCATION_CHARACTERS ? `${text.slice(0, LOCATION_CHARACTERS)}...` : text;
}
