/**
 * Reads as much of a response as a probe needs: the status, and where a redirect leads. Strict:
 * what is not an HTTP/1.x status line ended by CR LF is no answer. Bytes in, an answer out.
 */
import { toLatin1 } from '../base/bytes.ts';

export interface Answer {
  readonly status: number;
  /** Of a redirect; printable and short enough for a log line. */
  readonly location: string | null;
}

/** No health check has a reason to answer with a longer head. */
const HEAD_BYTES = 16 * 1024;
const LOCATION_CHARACTERS = 120;

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?$/;

export class AnswerReader {
  private text = '';

  /** The answer once it is known; `malformed`, `too_large`; null: more bytes are needed. */
  push(bytes: Uint8Array): Answer | 'malformed' | 'too_large' | null {
    this.text += toLatin1(bytes, 0, Math.min(bytes.length, HEAD_BYTES + 1));
    for (;;) {
      const end = this.text.indexOf('\n');
      if (end < 0) return this.incomplete();
      const match = STATUS_LINE.exec(this.text.slice(0, end - 1));
      if (match === null || this.text[end - 1] !== '\r') return 'malformed';
      const status = Number(match[1]);
      const interim = status < 200 && status !== 101;
      const redirect = status >= 300 && status < 400;
      if (!interim && !redirect) return { status, location: null };
      const headEnd = this.text.indexOf('\r\n\r\n');
      if (headEnd < 0) return this.text.length > HEAD_BYTES ? 'too_large' : null;
      if (redirect) return { status, location: location(this.text.slice(0, headEnd)) };
      this.text = this.text.slice(headEnd + 4);
    }
  }

  private incomplete(): 'malformed' | 'too_large' | null {
    const begin = 'HTTP/1.';
    if (this.text.slice(0, begin.length) !== begin.slice(0, this.text.length)) return 'malformed';
    return this.text.length > HEAD_BYTES ? 'too_large' : null;
  }
}

function location(head: string): string | null {
  const match = /\r\nlocation:[ \t]*([^\r\n]*)/i.exec(head);
  if (match === null) return null;
  const text = match[1].trim().replace(/[^\x21-\x7e]/g, '?');
  return text.length > LOCATION_CHARACTERS ? `${text.slice(0, LOCATION_CHARACTERS)}...` : text;
}
