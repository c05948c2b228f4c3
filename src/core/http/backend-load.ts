/**
 * `Backend-Load: in_flight=3, latency_ms=12.5`: what a backend says of itself in a response. The
 * two members stand in this order and the field comes once; anything else says nothing.
 */
import { equalsIgnoringCase } from '../base/bytes.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { digits } from './request-facts.ts';

const IN_FLIGHT = 'in_flight=';
const LATENCY = 'latency_ms=';
const COMMA = 44;
const DOT = 46;
const SPACE = 32;
const TAB = 9;
/** More than a million at once, or longer than a day, is no report. */
const MOST_IN_FLIGHT = 1_000_000;
const MOST_MS = 86_400_000;

export class BackendLoad {
  /** Requests in flight there besides the one that is being answered; -1: it does not say. */
  inFlight = -1;
  /** How long requests take there now; microseconds. */
  latencyUs = 0;

  /**
   * Reads the report of this head, and marks it as one that goes no further: it is meant for us.
   * Allocates nothing.
   */
  read(head: Head): void {
    this.inFlight = -1;
    let fields = 0;
    for (let field = 0; field < head.fieldCount; field++) {
      if (head.id(field) !== Field.backendLoad) continue;
      head.setId(field, Field.dropped);
      fields += 1;
      if (fields > 1) this.inFlight = -1;
      else this.parse(head.bytes, head.valueStart(field), head.valueEnd(field));
    }
  }

  private parse(bytes: Uint8Array, start: number, end: number): void {
    let at = start + IN_FLIGHT.length;
    if (!equalsIgnoringCase(bytes, start, Math.min(at, end), IN_FLIGHT)) return;
    const comma = indexOf(bytes, at, end, COMMA);
    let stop = comma;
    while (stop > at && isSpace(bytes[stop - 1])) stop -= 1;
    const inFlight = digits(bytes, at, stop);
    at = comma + 1;
    while (at < end && isSpace(bytes[at])) at += 1;
    const value = at + LATENCY.length;
    if (!equalsIgnoringCase(bytes, at, Math.min(value, end), LATENCY)) return;
    const latencyUs = microseconds(bytes, value, end);
    if (inFlight < 0 || inFlight > MOST_IN_FLIGHT || latencyUs < 0) return;
    this.inFlight = inFlight;
    this.latencyUs = latencyUs;
  }
}

/** Milliseconds with up to three decimals; -1: they are not. */
function microseconds(bytes: Uint8Array, start: number, end: number): number {
  const dot = indexOf(bytes, start, end, DOT);
  const whole = digits(bytes, start, dot);
  if (whole < 0 || whole > MOST_MS) return -1;
  if (dot === end) return whole * 1000;
  const places = end - dot - 1;
  const part = digits(bytes, dot + 1, end);
  if (part < 0 || places > 3) return -1;
  return whole * 1000 + part * (places === 1 ? 100 : places === 2 ? 10 : 1);
}

/** `end` if there is none. */
function indexOf(bytes: Uint8Array, start: number, end: number, byte: number): number {
  let at = start;
  while (at < end && bytes[at] !== byte) at += 1;
  return Math.min(at, end);
}

const isSpace = (byte: number): boolean => byte === SPACE || byte === TAB;
