/** A request as a policy function sees it: a view that is pointed at one after the other. */
import { equalsIgnoringCase, toLatin1 } from '../base/bytes.ts';
import { hashText } from '../base/hash.ts';
import { hostNameEnd, queryStart } from '../http/hash-key.ts';
import type { Head } from '../http/head.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import type { PolicyRequest } from '../policy-function.ts';
import type { ExchangeRecord } from '../telemetry/log.ts';

/** The exchange that a backend is picked for. */
export interface Picked {
  readonly head: Head;
  readonly facts: RequestFacts;
  readonly record: Pick<ExchangeRecord, 'client' | 'attempts'>;
}

export class PolicyView implements PolicyRequest {
  private exchange: Picked | null = null;
  // Functions of their own, so that they can be taken out of the request.
  readonly header = (name: string): string | null =>
    fieldValue(this.shown.head, name.toLowerCase());
  readonly hash = (text: string): number => hashText(text) >>> 1;

  /** From now on it shows this one; null: none, so that nothing is kept alive. */
  show(exchange: Picked | null): void {
    this.exchange = exchange;
  }

  private get shown(): Picked {
    if (this.exchange === null) throw new Error(OVER);
    return this.exchange;
  }

  get method(): string {
    return this.shown.head.method;
  }

  get path(): string {
    const { head, facts } = this.shown;
    if (facts.pathEmpty) return '/';
    return toLatin1(head.bytes, facts.pathStart, queryStart(head.bytes, facts));
  }

  get query(): string {
    const { head, facts } = this.shown;
    const from = queryStart(head.bytes, facts) + 1;
    return from > facts.pathEnd ? '' : toLatin1(head.bytes, from, facts.pathEnd);
  }

  get host(): string {
    const { head, facts } = this.shown;
    return toLatin1(head.bytes, facts.hostStart, hostNameEnd(head.bytes, facts)).toLowerCase();
  }

  get clientAddress(): string {
    return this.shown.record.client;
  }

  get attempt(): number {
    return this.shown.record.attempts + 1;
  }
}

/** Of all fields of this name, in small letters. */
function fieldValue(head: Head, name: string): string | null {
  const { bytes } = head;
  let value: string | null = null;
  for (let field = 0; field < head.fieldCount; field++) {
    if (!equalsIgnoringCase(bytes, head.nameStart(field), head.nameEnd(field), name)) continue;
    const one = toLatin1(bytes, head.valueStart(field), head.valueEnd(field));
    value = value === null ? one : `${value}, ${one}`;
  }
  return value;
}

const OVER = 'the request is shown only while the policy is asked; keep what it says, not itself';
