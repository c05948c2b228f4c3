/** Heads and bodies of pretended requests and answers. Bodies are text, in UTF-8 on the wire. */
import { join } from '../../sim/wire.ts';
import { show } from '../config/diagnostics.ts';
import { latin1, utf8 } from '../core/base/bytes.ts';

const decoder = new TextDecoder();

/** Names are in small letters where they come from the wire. */
export type Headers = Readonly<Record<string, string>>;

/** A list becomes as many lines: `{ 'Set-Cookie': ['a=1', 'b=2'] }`. */
export type SentHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Those that say where a message ends are this world's affair. */
const FRAMING = /^(content-length|transfer-encoding)$/i;

const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;

/**
 * A message. `startLine`: without its end. `body` null: there is none, and no word of it; one that
 * is `announced` is not sent.
 */
export function messageBytes(
  startLine: string,
  headers: SentHeaders,
  body: string | null,
  announced = false,
): Uint8Array {
  const lines = [startLine, ...fieldLines(headers)];
  if (body !== null && typeof body !== 'string') {
    throw new Error(`a body is a text, not ${show(body)}: write body: JSON.stringify(...)`);
  }
  const bytes = utf8(body ?? '');
  if (body !== null) lines.push(`Content-Length: ${bytes.length}`);
  const head = latin1(`${lines.join('\r\n')}\r\n\r\n`);
  return announced ? head : join([head, bytes]);
}

function fieldLines(headers: SentHeaders): string[] {
  if (Object.prototype.toString.call(headers) !== '[object Object]') {
    throw new Error("headers are a plain object: { 'X-User': 'ann' }, Object.fromEntries(...)");
  }
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => fieldLine(name, each)),
  );
}

function fieldLine(name: string, value: unknown): string {
  if (FRAMING.test(name)) throw new Error(`the header ${name} is made of the body: leave it out`);
  if (!FIELD_NAME.test(name) || typeof value !== 'string' || !FIELD_VALUE.test(value)) {
    throw new Error(`no header can be ${show(name)}: ${show(value)}`);
  }
  return `${name}: ${value}`;
}

/** A body that comes in parts. */
export class BodyText {
  private readonly parts: Uint8Array[] = [];

  /** Takes a copy. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.parts.push(bytes.slice(start, end));
  }

  /** All of it; then it is empty again. */
  take(): string {
    return decoder.decode(join(this.parts.splice(0)));
  }
}
