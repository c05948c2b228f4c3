/**
 * Looks for a text in the body of the answer to a probe, wherever the reads cut it. The body ends
 * as its framing says, by the rules that hold for traffic; no more of it is looked at than 64 KiB.
 */
import { toLatin1, utf8 } from '../base/bytes.ts';
import { Head } from '../http/head.ts';
import { ResponseFacts } from '../http/response-facts.ts';
import { BodyReader, type BodySink, STOPPED } from '../http1/body-reader.ts';
import { REFUSED } from '../http1/head-parser.ts';
import { ANSWER_LIMITS, parseAnswerHead } from './answer-head.ts';

/** Of the body, without chunk sizes. */
export const BODY_BYTES = 64 * 1024;
/** So much of the body is kept, to say what came instead. */
const KEPT = 100;

const CUT = 'the connection was closed before its end';

export class AnswerBody implements BodySink {
  /** The text has come. */
  found = false;
  /** Nothing more will be looked at: the body has ended, or 64 KiB of it have passed. */
  over = false;
  /** Why the answer cannot be read, for people; null: it can. */
  problem: string | null = null;
  /** How the body begins; a character for each byte. */
  start = '';
  /** The content so far, bytes. */
  length = 0;
  private readonly wanted: string;
  private readonly reader = new BodyReader(ANSWER_LIMITS);
  /** The end of what has come; the text may have begun there. */
  private tail = '';

  /** `head`: with its empty line, a character for each byte. `wanted` is not empty. */
  constructor(wanted: string, head: string) {
    this.wanted = toLatin1(utf8(wanted));
    const parsed = parseAnswerHead(head);
    const facts = new ResponseFacts();
    const refusal = parsed instanceof Head ? facts.decide(parsed, false) : parsed;
    this.problem = refusal?.what ?? null;
    this.reader.begin(facts.body, facts.contentLength, false);
    this.settle();
  }

  push(bytes: Uint8Array): void {
    if (this.over) return;
    const stop = this.reader.read(bytes, 0, bytes.length, this);
    if (stop === REFUSED) this.problem = this.reader.refusal.what;
    if (stop === STOPPED) this.over = true;
    this.settle();
  }

  /** The backend has closed the connection. */
  end(): void {
    if (!this.over && !this.reader.endsWithConnection) this.problem = CUT;
    this.over = true;
  }

  onBody(bytes: Uint8Array, start: number, end: number): boolean {
    const part = toLatin1(bytes, start, Math.min(end, start + BODY_BYTES - this.length));
    this.length += part.length;
    if (this.start.length < KEPT) this.start = (this.start + part).slice(0, KEPT);
    const window = this.tail + part;
    this.found ||= window.includes(this.wanted);
    this.tail = window.slice(Math.max(0, window.length - this.wanted.length + 1));
    return !this.found && this.length < BODY_BYTES;
  }

  private settle(): void {
    this.over ||= this.found || this.problem !== null || this.reader.done;
  }
}
