/**
 * What a backend's response head means: how its body ends, whether the connection may be used
 * again, whether it switches protocols. RFC 9112 sections 6.3 and 9, RFC 9110 section 15.
 */
import { equalsIgnoringCase } from '../base/bytes.ts';
import { connectionOptions } from './connection-options.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import { type Refusal, refusals } from './refusal.ts';
import { Body, digits } from './request-facts.ts';

export class ResponseFacts {
  body: Body = Body.none;
  contentLength = 0;
  /** The head carries a Content-Length that may be passed on, also where no body follows. */
  hasLength = false;
  keepAlive = true;
  hasDate = false;
  /** `Keep-Alive: timeout=N` in milliseconds, or -1. */
  keepAliveTimeoutMs = -1;
  /** Index of the first Upgrade field, the one that is passed on; or -1. */
  upgradeField = -1;
  connectionUpgrade = false;

  get interim(): boolean {
    return this.status < 200;
  }

  status = 0;

  /** Null: understood. `toHead`: it answers a HEAD request. */
  decide(head: Head, toHead: boolean): Refusal | null {
    this.status = head.status;
    this.body = Body.untilClose;
    this.contentLength = 0;
    this.hasLength = this.hasDate = this.connectionUpgrade = false;
    this.keepAliveTimeoutMs = -1;
    this.upgradeField = -1;
    this.keepAlive = head.minorVersion === 1;
    return this.decideFields(head) ?? this.decideEmpty(toHead);
  }

  private decideFields(head: Head): Refusal | null {
    let encoding = -1;
    let connection = false;
    for (let field = 0; field < head.fieldCount; field++) {
      const id = head.id(field);
      if (id === Field.other) continue;
      if (id === Field.contentLength) {
        if (this.hasLength) return refusals.contentLengthTwice;
        const value = digits(head.bytes, head.valueStart(field), head.valueEnd(field));
        if (value === -1) return refusals.contentLength;
        if (value === -2) return refusals.contentLengthHuge;
        this.contentLength = value;
        this.hasLength = true;
      } else if (id === Field.transferEncoding) {
        if (encoding !== -1) return refusals.transferEncodingTwice;
        encoding = field;
      } else if (id === Field.connection) connection = true;
      else if (id === Field.date) this.hasDate = true;
      else if (id === Field.upgrade) {
        if (this.upgradeField === -1) this.upgradeField = field;
      } else if (id === Field.keepAlive) this.decideKeepAlive(head, field);
    }
    if (connection) {
      const options = connectionOptions(head);
      if (options.refusal !== null) return options.refusal;
      this.connectionUpgrade = options.upgrade;
      // A Date that it nominates goes no further.
      this.hasDate &&= head.find(Field.date) !== -1;
      this.keepAlive =
        head.minorVersion === 1 ? !options.close : options.keepAlive && !options.close;
    }
    return this.decideBody(head, encoding);
  }

  private decideBody(head: Head, encoding: number): Refusal | null {
    if (encoding !== -1) {
      if (this.hasLength) return refusals.lengthAndEncoding;
      if (head.minorVersion === 0) return refusals.transferEncodingOld;
      const start = head.valueStart(encoding);
      if (!equalsIgnoringCase(head.bytes, start, head.valueEnd(encoding), 'chunked')) {
        return refusals.transferEncoding;
      }
      this.body = Body.chunked;
    } else if (this.hasLength) {
      this.body = this.contentLength === 0 ? Body.none : Body.length;
    }
    return null;
  }

  /** Answers that never have a body, whatever their fields say. */
  private decideEmpty(toHead: boolean): Refusal | null {
    const { status } = this;
    if (status < 200 || status === 204) {
      this.body = Body.none;
      this.hasLength = false;
    } else if (toHead || status === 304) this.body = Body.none;
    else if (this.body === Body.untilClose) this.keepAlive = false;
    return null;
  }

  private decideKeepAlive(head: Head, field: number): void {
    const { bytes } = head;
    let at = head.valueStart(field);
    const end = head.valueEnd(field);
    while (at < end && !equalsIgnoringCase(bytes, at, at + 8, 'timeout=')) at++;
    if (at >= end) return;
    let stop = at + 8;
    while (stop < end && bytes[stop]! >= 48 && bytes[stop]! <= 57) stop++;
    const seconds = digits(bytes, at + 8, stop);
    if (seconds >= 0) this.keepAliveTimeoutMs = seconds * 1000;
  }
}
