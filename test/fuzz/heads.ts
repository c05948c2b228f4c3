/** Heads from text and back, for tests that need one: parsed by the parser that traffic uses. */
import { latin1, toLatin1 } from '../../src/core/base/bytes.ts';
import { assert } from '../../src/core/base/failure.ts';
import { Head } from '../../src/core/http/head.ts';
import type { Refusal } from '../../src/core/http/refusal.ts';
import { type HeadKind, HeadParser, REFUSED } from '../../src/core/http1/head-parser.ts';

/** The defaults of the configuration. */
export const limits = { headBytes: 32_768, requestLineBytes: 8192, headerFields: 100 };

export interface ParsedHead {
  readonly head: Head;
  /** As HeadParser.parse returned it. */
  readonly stop: number;
  readonly refusal: Refusal | null;
  readonly refusedAt: number;
}

/** Parses `text` (characters 0 to 255) in one go. */
export function parseHead(kind: HeadKind, text: string, of = limits): ParsedHead {
  const head = new Head(of.headerFields);
  const parser = new HeadParser(of);
  parser.begin(kind, head, 0);
  const stop = parser.parse(latin1(text), text.length);
  const refused = stop === REFUSED;
  return {
    head,
    stop,
    refusal: refused ? parser.refusal : null,
    refusedAt: refused ? parser.refusedAt : -1,
  };
}

function whole(kind: HeadKind, text: string): Head {
  const { head, stop, refusal } = parseHead(kind, text);
  assert(stop === text.length, `${refusal?.what ?? 'not the whole text'}: ${JSON.stringify(text)}`);
  return head;
}

/** The head of a request with these lines; the first is the request line. */
export const request = (...lines: readonly string[]): Head =>
  whole('request', `${lines.join('\r\n')}\r\n\r\n`);

/** The head of a response with these lines; the first is the status line. */
export const response = (...lines: readonly string[]): Head =>
  whole('response', `${lines.join('\r\n')}\r\n\r\n`);

/** Names and values as they came, `name: value`; dropped fields are left out. */
export function fieldLines(head: Head): string[] {
  const lines: string[] = [];
  for (let field = 0; field < head.fieldCount; field++) {
    const name = toLatin1(head.bytes, head.nameStart(field), head.nameEnd(field));
    const value = toLatin1(head.bytes, head.valueStart(field), head.valueEnd(field));
    lines.push(`${name}: ${value}`);
  }
  return lines;
}
