/** Takes a cookie of ours out of a request's head. What is left stays as it was, byte for byte. */
import { copy, equalsIgnoringCase } from '../base/bytes.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { valueNamed } from './named-value.ts';

const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;

/** Hears the value of each cookie that is taken; its bytes are valid only during the call. */
export interface CookieTaker {
  taken(bytes: Uint8Array, start: number, end: number): void;
}

/**
 * Takes every cookie of this name out of the head, in whose own memory it lies. A Cookie field of
 * which nothing is left is dropped.
 */
export function takeCookies(head: Head, name: string, taker: CookieTaker): void {
  const { bytes } = head;
  for (let field = 0; field < head.fieldCount; field++) {
    if (!equalsIgnoringCase(bytes, head.nameStart(field), head.nameEnd(field), 'cookie')) continue;
    const start = head.valueStart(field);
    const end = head.valueEnd(field);
    const left = takeFrom(bytes, start, end, name, taker);
    if (left === end) continue;
    head.setValueEnd(field, left);
    if (left === start) head.setId(field, Field.dropped);
  }
}

/** Returns the new end of bytes[start, end): the parts that stay have moved together. */
function takeFrom(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: string,
  taker: CookieTaker,
): number {
  let to = start;
  let keeps = false;
  for (let at = start; at <= end; ) {
    let stop = at;
    while (stop < end && bytes[stop] !== SEMICOLON) stop++;
    const from = behindSpace(bytes, at, stop);
    const valueAt = valueNamed(bytes, from, stop, name);
    if (valueAt !== -1) taker.taken(bytes, valueAt, stop);
    else if (keeps) to = move(bytes, at - 1, stop, to);
    else {
      // The first one that stays: what parted it from those before goes with them.
      to = move(bytes, at === start ? at : from, stop, to);
      keeps = true;
    }
    at = stop + 1;
  }
  return to;
}

function behindSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  return at;
}

/** bytes[start, end) to `to`, which is not behind it; returns the offset after them. */
function move(bytes: Uint8Array, start: number, end: number, to: number): number {
  return start === to ? end : copy(bytes, start, end, bytes, to);
}
