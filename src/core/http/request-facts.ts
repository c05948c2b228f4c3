/**
 * What a request head means for an intermediary: framing, persistence, routing host, what was asked
 * beside the request itself. Decided once, here, for every protocol; anything ambiguous is refused.
 * Rules: RFC 9112 sections 3, 6 and 9, RFC 9110 sections 7.6, 7.8 and 10.1.
 */
import { equals, equalsIgnoringCase, toLatin1 } from '../base/bytes.ts';
import { connectionOptions } from './connection-options.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { isHostByte, validHost } from './host.ts';
import { type Refusal, refusals } from './refusal.ts';

export const Body = { none: 0, length: 1, chunked: 2, untilClose: 3 } as const;
export type Body = (typeof Body)[keyof typeof Body];

/** A whole number in bytes[start, end): 0 .. 10^15 - 1; -1 not a number, -2 too large. */
export function digits(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value >= 1e15) value = 1e15;
  }
  return value >= 1e15 ? -2 : value;
}

export class RequestFacts {
  body: Body = Body.none;
  /** With Body.length. */
  contentLength = 0;
  /** May the client's connection carry another request after this one? */
  keepAlive = true;
  /** The client speaks HTTP/1.0: no chunks, no interim responses, no upgrade. */
  old = false;
  isHead = false;
  isGet = false;
  /** Safe to repeat (RFC 9110 section 9.2.2). */
  idempotent = false;
  expectContinue = false;
  /** An Upgrade that may become a tunnel; the value is the head's Upgrade field. */
  upgrade = false;
  /** TE says that trailers are welcome. */
  teTrailers = false;
  /** The host it is routed by: bytes[hostStart, hostEnd) of the head. Empty: HTTP/1.0 without. */
  hostStart = 0;
  hostEnd = 0;
  /** The path and query to forward: the target, or what an absolute URL says. */
  pathStart = 0;
  pathEnd = 0;
  /** An absolute URL without a path: `/`, or `*` for OPTIONS. */
  pathEmpty = false;
  /** Value of Max-Forwards when it must be counted down (OPTIONS), else -1. */
  maxForwards = -1;

  /** Where in the head's bytes is what `decide` refused. */
  refusedAt = 0;

  /** Null: understood. `head` may get fields marked as dropped (nominated by Connection). */
  decide(head: Head): Refusal | null {
    this.clear(head);
    const refusal = this.decideMethod(head) ?? this.decideFields(head) ?? this.decideTarget(head);
    // What follows may be a body whose end is not known: it must not be taken for a request.
    if (refusal !== null) this.keepAlive = false;
    return refusal;
  }

  /** The host it is routed by, as text. */
  hostText(head: Head): string {
    return toLatin1(head.bytes, this.hostStart, this.hostEnd);
  }

  /** As if nothing had been understood: for a head that was refused by the parser. */
  clear(head: Head): void {
    this.body = Body.none;
    this.contentLength = 0;
    this.old = head.minorVersion === 0;
    this.keepAlive = !this.old;
    this.isHead = this.isGet = this.idempotent = false;
    this.expectContinue = this.upgrade = this.teTrailers = false;
    this.hostStart = this.hostEnd = 0;
    this.pathStart = head.targetStart;
    this.pathEnd = head.targetEnd;
    this.pathEmpty = false;
    this.maxForwards = -1;
    this.refusedAt = 0;
  }

  private refuse(refusal: Refusal, at: number): Refusal {
    this.refusedAt = at;
    return refusal;
  }

  private decideMethod(head: Head): Refusal | null {
    const { bytes, methodStart: start, methodEnd: end } = head;
    switch (end - start) {
      case 3:
        this.isGet = equals(bytes, start, end, 'GET');
        this.idempotent = this.isGet || equals(bytes, start, end, 'PUT');
        return null;
      case 4:
        this.isHead = this.idempotent = equals(bytes, start, end, 'HEAD');
        return null;
      case 5:
        return equals(bytes, start, end, 'TRACE') ? refusals.notAllowed : null;
      case 6:
        this.idempotent = equals(bytes, start, end, 'DELETE');
        return null;
      case 7:
        this.idempotent = equals(bytes, start, end, 'OPTIONS');
        return equals(bytes, start, end, 'CONNECT') ? refusals.notAllowed : null;
      default:
        return null;
    }
  }

  private decideFields(head: Head): Refusal | null {
    let host = -1;
    let length = -1;
    let encoding = -1;
    let connection = -1;
    let upgrade = -1;
    for (let field = 0; field < head.fieldCount; field++) {
      const id = head.id(field);
      if (id === Field.other) continue;
      if (id === Field.host) {
        if (host !== -1) return this.refuse(refusals.hostTwice, head.nameStart(field));
        host = field;
      } else if (id === Field.contentLength) {
        if (length !== -1) return this.refuse(refusals.contentLengthTwice, head.nameStart(field));
        length = field;
      } else if (id === Field.transferEncoding) {
        if (encoding !== -1)
          return this.refuse(refusals.transferEncodingTwice, head.nameStart(field));
        encoding = field;
      } else if (id === Field.connection) connection = field;
      else if (id === Field.upgrade) {
        // The first line is the one that is passed on; what it offers is what counts.
        if (upgrade === -1) upgrade = field;
      } else if (id === Field.expect || id === Field.maxForwards || id === Field.te) {
        const problem = this.decideRare(head, field, id);
        if (problem !== null) return problem;
      }
    }
    return (
      this.decideHost(head, host) ??
      this.decideBody(head, length, encoding) ??
      (connection === -1 ? null : this.decideConnection(head, upgrade))
    );
  }

  private decideRare(head: Head, field: number, id: Field): Refusal | null {
    const start = head.valueStart(field);
    const end = head.valueEnd(field);
    if (id === Field.expect) {
      if (!equalsIgnoringCase(head.bytes, start, end, '100-continue')) {
        return this.refuse(refusals.expectation, start);
      }
      this.expectContinue = !this.old;
    } else if (id === Field.te) {
      this.teTrailers ||= equalsIgnoringCase(head.bytes, start, end, 'trailers');
    } else if (equals(head.bytes, head.methodStart, head.methodEnd, 'OPTIONS')) {
      this.maxForwards = digits(head.bytes, start, end);
      if (this.maxForwards < 0) return this.refuse(refusals.maxForwards, start);
    }
    return null;
  }

  private decideHost(head: Head, field: number): Refusal | null {
    if (field === -1) return this.old ? null : refusals.hostMissing;
    const start = head.valueStart(field);
    const end = head.valueEnd(field);
    if (start === end) return this.refuse(refusals.hostEmpty, start);
    if (!validHost(head.bytes, start, end)) return this.refuse(refusals.hostInvalid, start);
    this.hostStart = start;
    this.hostEnd = end;
    return null;
  }

  private decideBody(head: Head, length: number, encoding: number): Refusal | null {
    if (encoding !== -1) {
      if (length !== -1)
        return this.refuse(refusals.lengthAndEncoding, head.nameStart(Math.max(length, encoding)));
      if (this.old) return this.refuse(refusals.transferEncodingOld, head.nameStart(encoding));
      const start = head.valueStart(encoding);
      if (!equalsIgnoringCase(head.bytes, start, head.valueEnd(encoding), 'chunked')) {
        return this.refuse(refusals.transferEncoding, start);
      }
      this.body = Body.chunked;
    } else if (length !== -1) {
      const value = digits(head.bytes, head.valueStart(length), head.valueEnd(length));
      if (value === -1) return this.refuse(refusals.contentLength, head.valueStart(length));
      if (value === -2) return this.refuse(refusals.contentLengthHuge, head.valueStart(length));
      this.contentLength = value;
      this.body = value === 0 ? Body.none : Body.length;
    }
    return null;
  }

  private decideConnection(head: Head, upgrade: number): Refusal | null {
    const options = connectionOptions(head);
    if (options.refusal !== null) {
      return this.refuse(options.refusal, head.valueStart(head.find(Field.connection)));
    }
    if (this.old) this.keepAlive = options.keepAlive && !options.close;
    else this.keepAlive = !options.close;
    // An upgrade with a body could be answered while the body is coming; nobody does it.
    this.upgrade =
      options.upgrade &&
      upgrade !== -1 &&
      !this.old &&
      this.body === Body.none &&
      !namesH2c(head, upgrade);
    return null;
  }

  private decideTarget(head: Head): Refusal | null {
    const { bytes, targetStart: start, targetEnd: end } = head;
    if (bytes[start] === 0x2f) return null;
    if (bytes[start] === 0x2a && end - start === 1) {
      return equals(bytes, head.methodStart, head.methodEnd, 'OPTIONS')
        ? null
        : this.refuse(refusals.targetForm, start);
    }
    return this.decideAbsolute(head, start, end);
  }

  /** `http://host/path`: the URL's host replaces the Host field (RFC 9112 section 3.2.2). */
  private decideAbsolute(head: Head, start: number, end: number): Refusal | null {
    const { bytes } = head;
    let at = start;
    if (equalsIgnoringCase(bytes, start, start + 7, 'http://')) at += 7;
    else if (equalsIgnoringCase(bytes, start, start + 8, 'https://')) at += 8;
    else return this.refuse(refusals.targetForm, start);
    const hostStart = at;
    while (at < end && isHostByte(bytes[at]!)) at++;
    if (at < end && bytes[at] === 0x40) return this.refuse(refusals.targetUserinfo, at);
    if (at < end && bytes[at] !== 0x2f && bytes[at] !== 0x3f) {
      return this.refuse(refusals.targetAuthority, at);
    }
    if (at === hostStart || !validHost(bytes, hostStart, at)) {
      return this.refuse(refusals.targetAuthority, hostStart);
    }
    this.hostStart = hostStart;
    this.hostEnd = at;
    this.pathStart = at;
    this.pathEnd = end;
    this.pathEmpty = at === end || bytes[at] === 0x3f;
    return null;
  }
}

/** Does the Upgrade field offer cleartext HTTP/2? Passed on, it would hide requests from us. */
function namesH2c(head: Head, field: number): boolean {
  for (let at = head.valueStart(field); at + 3 <= head.valueEnd(field); at++) {
    if (equalsIgnoringCase(head.bytes, at, at + 3, 'h2c')) return true;
  }
  return false;
}
