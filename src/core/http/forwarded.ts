/**
 * The lines that tell a backend who the client is. From an untrusted peer nothing is believed: what
 * it sent is dropped and ours are set. From `trusted_proxies` the chain is appended to, and the
 * client is its right-most address that is not trusted.
 */
import { copy, copyWhole, latin1, writeLatin1, writeLineEnd } from '../base/bytes.ts';
import { Field } from './fields.ts';
import type { Head } from './head.ts';
import type { RequestFacts } from './request-facts.ts';
import { parseAddress, type TrustedPeers } from './trusted-peers.ts';

/** A request id we take over from a trusted peer: what cannot break a log or a header. */
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;

/** What the lines about a stranger end with; its host follows. */
const HOST_LINE = latin1('X-Forwarded-Host: ');

/** Memory in which lines are kept: an array of their own for each would be larger than they. */
const SHELF_BYTES = 4096;
let shelf = new Uint8Array(0);
let shelved = 0;

/**
 * The lines about a peer that is not trusted, up to the host of a request: they are the same for
 * each of its requests. `scheme` is http or https.
 */
export function strangerLines(address: string, scheme: string): Uint8Array {
  const text =
    `X-Forwarded-For: ${address}\r\nX-Real-IP: ${address}\r\n` +
    `X-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Host: `;
  if (shelved + text.length > shelf.length) {
    shelf = new Uint8Array(SHELF_BYTES);
    shelved = 0;
  }
  const start = shelved;
  shelved = writeLatin1(text, shelf, start);
  return shelf.subarray(start, shelved);
}

/** Writes what `strangerLines` made and the host; returns the offset after the line end. */
export function writeStranger(
  lines: Uint8Array,
  head: Head,
  facts: RequestFacts,
  out: Uint8Array,
  at: number,
): number {
  const to = copyWhole(lines, out, at);
  const { hostStart, hostEnd } = facts;
  // An HTTP/1.0 request may have none: what the lines end with is taken back.
  if (hostStart === hostEnd) return to - HOST_LINE.length;
  return writeLineEnd(out, copy(head.bytes, hostStart, hostEnd, out, to));
}

/** The lines about the client of a trusted proxy. */
export class ForwardedFields {
  /** The finished lines are bytes[0, end). Reused for every request. */
  readonly bytes: Uint8Array;
  end = 0;
  /** The client's address. */
  client = '';
  requestId = '';

  private readonly trusted: TrustedPeers;

  /** `size`: more than a request's whole head. */
  constructor(trusted: TrustedPeers, size: number) {
    this.trusted = trusted;
    this.bytes = new Uint8Array(size);
  }

  /** Makes strings: this is not the common path. */
  fromProxy(
    address: string,
    scheme: string,
    head: Head,
    facts: RequestFacts,
    requestId: string,
  ): void {
    const chain = allValues(head, Field.xForwardedFor);
    this.client = this.rightmostStranger(chain, address);
    const given = head.value(Field.xRequestId);
    this.requestId = given !== null && REQUEST_ID.test(given) ? given : requestId;
    const forwardedFor = chain === '' ? address : `${chain}, ${address}`;
    const lines = [
      `X-Forwarded-For: ${forwardedFor}`,
      `X-Real-IP: ${this.client}`,
      `X-Forwarded-Proto: ${head.value(Field.xForwardedProto) ?? scheme}`,
      `X-Request-Id: ${this.requestId}`,
    ];
    const port = head.value(Field.xForwardedPort);
    if (port !== null) lines.push(`X-Forwarded-Port: ${port}`);
    const forwarded = allValues(head, Field.forwarded);
    if (forwarded !== '') lines.push(`Forwarded: ${forwarded}`);
    const host = head.value(Field.xForwardedHost);
    if (host !== null) lines.push(`X-Forwarded-Host: ${host}`);
    let at = writeLineEnd(this.bytes, writeLatin1(lines.join('\r\n'), this.bytes, 0));
    if (host === null) at = this.writeHost(head, facts, at);
    this.end = at;
  }

  /** The host it was routed by; an HTTP/1.0 request may have none. */
  private writeHost(head: Head, facts: RequestFacts, at: number): number {
    const { hostStart, hostEnd } = facts;
    if (hostStart === hostEnd) return at;
    const to = copyWhole(HOST_LINE, this.bytes, at);
    return writeLineEnd(this.bytes, copy(head.bytes, hostStart, hostEnd, this.bytes, to));
  }

  /** What is no address ends the search: nobody who is trusted vouches for what stands before. */

  private rightmostStranger(chain: string, peer: string): string {
    let client = peer;
    for (const part of chain.split(',').reverse()) {
      const address = part.trim();
      if (address === '') continue;
      if (parseAddress(address) === null) break;
      client = address;
      if (!this.trusted.has(address)) break;
    }
    return client;
  }
}

/** Whether the client came by https. What X-Forwarded-Proto says is believed if `trusted`. */
export function isSecure(head: Head, trusted: boolean, scheme: string): boolean {
  const told = trusted ? head.value(Field.xForwardedProto) : null;
  // The first of a list is what the client itself used.
  return /^https\b/i.test(told ?? scheme);
}

/** The values of every field with this id, as one list. */
function allValues(head: Head, id: Field): string {
  const values: string[] = [];
  for (let field = 0; field < head.fieldCount; field++) {
    if (head.id(field) !== id) continue;
    let text = '';
    for (let at = head.valueStart(field); at < head.valueEnd(field); at++) {
      text += String.fromCharCode(head.bytes[at]!);
    }
    values.push(text);
  }
  return values.join(', ');
}
