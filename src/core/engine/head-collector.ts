/** A head that comes in parts: parsed as it grows, each byte once. */
import type { ByteQueue } from '../base/byte-queue.ts';
import type { Head } from '../http/head.ts';
import { type Refusal, refusals } from '../http/refusal.ts';
import { type HeadKind, type HeadLimits, HeadParser } from '../http1/head-parser.ts';

export class HeadCollector {
  private readonly kind: HeadKind;
  private parser: HeadParser | null = null;

  constructor(kind: HeadKind = 'request') {
    this.kind = kind;
  }

  /** What waits in `pending` begins a head. It must not be dropped from until the head is whole. */
  begin(pending: ByteQueue, head: Head, limits: HeadLimits): void {
    if (pending.start !== 0) moveToFront(pending);
    this.parser = new HeadParser(limits);
    this.parser.begin(this.kind, head, 0);
  }

  /** As HeadParser.parse, over all that waits. */
  parse(pending: ByteQueue): number {
    return this.parser!.parse(pending.bytes, pending.end);
  }

  get refusal(): Refusal {
    return this.parser?.refusal ?? refusals.fieldValue;
  }

  get refusedAt(): number {
    return this.parser?.refusedAt ?? 0;
  }
}

/** The parser's offsets count from the array's front, also when it grows. */
function moveToFront(pending: ByteQueue): void {
  const rest = pending.bytes.slice(pending.start, pending.end);
  pending.clear();
  pending.append(rest, 0, rest.length);
}
