/**
 * A message head as every protocol delivers it: ranges in a byte array, no strings. HTTP/1 fills it
 * in place from the wire; the table of fields is reused from message to message.
 */
import { copy, toLatin1 } from '../base/bytes.ts';
import type { Field } from './fields.ts';

/** Numbers a field takes in `Head.table`. */
const STRIDE = 5;

export class Head {
  /** The memory the ranges lie in. Belongs to somebody else unless `own` was called. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Requests. */
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Responses. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** HTTP/1.x: 0 or 1. */
  minorVersion = 1;

  fieldCount = 0;
  private readonly table: Int32Array;
  private readonly maxFields: number;
  /** Memory for `own`, kept for the next message. */
  private owned: Uint8Array | null = null;

  constructor(maxFields: number) {
    this.maxFields = maxFields;
    this.table = new Int32Array(maxFields * STRIDE);
  }

  clear(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.methodStart = this.methodEnd = 0;
    this.targetStart = this.targetEnd = 0;
    this.reasonStart = this.reasonEnd = 0;
    this.status = 0;
    this.minorVersion = 1;
    this.fieldCount = 0;
  }

  /** False: there are too many fields. */
  add(
    id: Field,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    if (this.fieldCount === this.maxFields) return false;
    const at = this.fieldCount++ * STRIDE;
    const table = this.table;
    table[at] = id;
    table[at + 1] = nameStart;
    table[at + 2] = nameEnd;
    table[at + 3] = valueStart;
    table[at + 4] = valueEnd;
    return true;
  }

  id(field: number): Field {
    return this.table[field * STRIDE] as Field;
  }

  setId(field: number, id: Field): void {
    this.table[field * STRIDE] = id;
  }

  nameStart(field: number): number {
    return this.table[field * STRIDE + 1]!;
  }

  nameEnd(field: number): number {
    return this.table[field * STRIDE + 2]!;
  }

  valueStart(field: number): number {
    return this.table[field * STRIDE + 3]!;
  }

  valueEnd(field: number): number {
    return this.table[field * STRIDE + 4]!;
  }

  /** Its value ends here from now on. */
  setValueEnd(field: number, end: number): void {
    this.table[field * STRIDE + 4] = end;
  }

  /** The first field with this id, or -1. */
  find(id: Field): number {
    for (let field = 0; field < this.fieldCount; field++) {
      if (this.table[field * STRIDE] === id) return field;
    }
    return -1;
  }

  /** The value of the first field with this id, or null. For slow paths: makes a string. */
  value(id: Field): string | null {
    const field = this.find(id);
    return field < 0 ? null : toLatin1(this.bytes, this.valueStart(field), this.valueEnd(field));
  }

  /**
   * Makes the head outlive the memory it was parsed from: copies bytes[start, end), in which every
   * range lies, into memory of its own, and moves the ranges along.
   */
  own(start: number, end: number): void {
    const length = end - start;
    if (this.owned === null || this.owned.length < length) {
      this.owned = new Uint8Array(Math.max(length, 1024));
    }
    copy(this.bytes, start, end, this.owned, 0);
    this.bytes = this.owned;
    if (start === 0) return;
    this.methodStart -= start;
    this.methodEnd -= start;
    this.targetStart -= start;
    this.targetEnd -= start;
    this.reasonStart -= start;
    this.reasonEnd -= start;
    const table = this.table;
    const last = this.fieldCount * STRIDE;
    for (let at = 0; at < last; at += STRIDE) {
      table[at + 1]! -= start;
      table[at + 2]! -= start;
      table[at + 3]! -= start;
      table[at + 4]! -= start;
    }
  }

  get method(): string {
    return toLatin1(this.bytes, this.methodStart, this.methodEnd);
  }

  get target(): string {
    return toLatin1(this.bytes, this.targetStart, this.targetEnd);
  }
}
