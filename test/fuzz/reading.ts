/**
 * What a parser made of a stream of requests, in a form that two parsers can be compared by. All
 * text is latin1: one character per byte.
 */

export interface Message {
  readonly method: string;
  readonly target: string;
  /** The minor version: 0 or 1. */
  readonly minor: number;
  /** The content, without the framing of chunks. Of an open message: what has come of it. */
  readonly body: string;
  /** `name: value` of each field, each followed by a line feed, in order. */
  readonly fields: string;
  /** The same for the trailer section. */
  readonly trailers: string;
  /** The connection goes on after this message. */
  readonly keepAlive: boolean;
}

/**
 * `whole`: the last byte ended a message. `partial`: it is in the middle of one. `closed`: a
 * message said that the connection ends, nothing after it is read. `refused`: see `why`.
 */
export type End = 'whole' | 'partial' | 'closed' | 'refused';

export interface Reading {
  readonly messages: readonly Message[];
  /**
   * With `partial`: the message whose head is whole and whose body is not. How much of a body was
   * handed on before it was refused depends on the cuts, and may.
   */
  readonly open: Message | null;
  readonly end: End;
  /** With `closed`: something came after the last message. */
  readonly unread: boolean;
  /** Why it was refused, in the parser's own words. */
  readonly why: string;
  /** The offset in the stream at which it was refused, else -1. */
  readonly refusedAt: number;
}

/** Every byte belonged to a message that was taken. */
export const acceptsAll = ({ end, unread }: Reading): boolean =>
  end === 'whole' || (end === 'closed' && !unread);

/** What differs between two messages, or null. Whether the connection goes on is not looked at. */
export function messageDifference(a: Message, b: Message): string | null {
  if (a.method !== b.method) return 'method';
  if (a.target !== b.target) return 'target';
  if (a.minor !== b.minor) return 'version';
  if (a.body !== b.body) return 'body';
  if (a.fields !== b.fields) return 'fields';
  return a.trailers !== b.trailers ? 'trailers' : null;
}

/** Are these the same messages, the same end and, if any, the same refusal at the same byte? */
export function readingDifference(a: Reading, b: Reading): string | null {
  if (a.messages.length !== b.messages.length) return 'number of messages';
  for (const [index, message] of a.messages.entries()) {
    const other = b.messages[index];
    const what = messageDifference(message, other);
    if (what !== null) return `${what} of message ${index + 1}`;
    if (message.keepAlive !== other.keepAlive) return `persistence of message ${index + 1}`;
  }
  if (a.end !== b.end || a.unread !== b.unread) return 'end';
  if (a.why !== b.why || a.refusedAt !== b.refusedAt) return 'refusal';
  return openDifference(a.open, b.open);
}

/** The same for messages that are not whole yet. */
export function openDifference(a: Message | null, b: Message | null): string | null {
  if (a === null || b === null) return a === b ? null : 'an open message';
  const what = messageDifference(a, b);
  return what === null ? null : `${what} of the open message`;
}

/** Bytes for people, in the notation of `captured/`: one line of the wire a line. */
export function readable(text: string): string {
  return text.replace(/[^\x20-\x5b\x5d-\x7e]/g, (letter) => {
    if (letter === '\n') return '\\n\n';
    if (letter === '\r') return '\\r';
    if (letter === '\t') return '\\t';
    if (letter === '\\') return '\\\\';
    return `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The bytes that `readable` wrote: line breaks are layout. */
export function unreadable(text: string): string {
  return text.replace(/\n|\\x([0-9a-f]{2})|\\(.)/g, (all, hex, letter) => {
    if (all === '\n') return '';
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return { n: '\n', r: '\r', t: '\t' }[letter as string] ?? letter;
  });
}
