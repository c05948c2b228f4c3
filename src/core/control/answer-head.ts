/** The head of the answer to a probe, by the rules that hold for traffic. */
import { latin1 } from '../base/bytes.ts';
import { Head } from '../http/head.ts';
import type { Refusal } from '../http/refusal.ts';
import { HeadParser, REFUSED } from '../http1/head-parser.ts';

/** Of a head that the `AnswerReader` has let through. */
export const ANSWER_LIMITS = {
  headBytes: 64 * 1024,
  requestLineBytes: 64 * 1024,
  headerFields: 1000,
};

/** `text`: with its empty line, a character for each byte. */
export function parseAnswerHead(text: string): Head | Refusal {
  const head = new Head(ANSWER_LIMITS.headerFields);
  const parser = new HeadParser(ANSWER_LIMITS);
  const bytes = latin1(text);
  parser.begin('response', head, 0);
  return parser.parse(bytes, bytes.length) === REFUSED ? parser.refusal : head;
}
