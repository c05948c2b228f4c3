/** Hashes of what clients send, made with a secret so that nobody can choose which ones meet. */
import { lower } from '../base/bytes.ts';
import { HalfSipHash } from '../base/half-sip-hash.ts';
import type { KeyHash } from '../http/hash-key.ts';

/** A table that is looked up by such hashes, with its secret. */
export interface Secret {
  readonly secret0: number;
  readonly secret1: number;
}

/** What it returns says where to look, `tag` is what is looked for there. */
export class SecretHash implements KeyHash {
  private readonly sip: HalfSipHash;

  constructor({ secret0, secret1 }: Secret) {
    this.sip = new HalfSipHash(secret0, secret1);
  }

  /** Of what was hashed last: 1 .. 2^24 - 1. */
  get tag(): number {
    return this.sip.other >>> 8 || 1;
  }

  /** The same with more bits: all of 32, but never 0. */
  get word(): number {
    return this.sip.other | 0 || 1;
  }

  bytes(bytes: Uint8Array, start: number, end: number): number {
    this.sip.begin();
    for (let at = start; at < end; at++) this.sip.add(bytes[at]!);
    return this.sip.end();
  }

  lower(bytes: Uint8Array, start: number, end: number): number {
    this.sip.begin();
    for (let at = start; at < end; at++) this.sip.add(lower(bytes[at]!));
    return this.sip.end();
  }

  text(text: string): number {
    this.sip.begin();
    for (let i = 0; i < text.length; i++) this.sip.add(text.charCodeAt(i));
    return this.sip.end();
  }
}
