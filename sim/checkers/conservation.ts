/**
 * Every request has one fate: one final answer, or a connection that visibly broke. Every exchange
 * is logged once, and the log says what the client saw.
 */
import type { ExchangeRecord } from '../../src/core/telemetry/log.ts';
import type { Answer, Request } from '../request.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createConservation(_world: World, fail: Fail): Checker {
  return new Conservation(fail);
}

class Conservation implements Checker {
  readonly name = 'conservation';
  private readonly fail: Fail;
  private readonly statuses = new Map<Request, number>();
  /** Exchanges whose request line never became known. */
  private unnamed = 0;

  constructor(fail: Fail) {
    this.fail = fail;
  }

  unasked(where: string, status: number): void {
    this.fail(`${where} got a ${status} that no request waits for`);
  }

  logged(request: Request | null, record: ExchangeRecord): void {
    if (request === null) {
      if (record.target === '') this.unnamed += 1;
      return;
    }
    if (request.logged > 1) this.fail(`${request.nonce} was logged ${request.logged} times`);
    if (request.fate === 'planned') this.fail(`${request.nonce} was logged before it was sent`);
    this.statuses.set(request, record.status);
    if (request.answer !== null) this.compare(request, request.answer);
  }

  answered(request: Request, answer: Answer): void {
    this.compare(request, answer);
  }

  private compare(request: Request, answer: Answer): void {
    const logged = this.statuses.get(request);
    if (logged !== undefined && logged !== answer.status) {
      this.fail(`${request.nonce} was logged as ${logged}, the client got ${answer.status}`);
    }
  }

  ended(unanswered: readonly Request[], amidMessage: boolean): void {
    if (amidMessage) {
      this.fail(`an answer to ${unanswered[0].nonce} ended early, with a FIN as if it were whole`);
    }
    for (const { nonce, logged, arrivals } of unanswered) {
      if (logged > 0 || arrivals.length > 0) {
        this.fail(`${nonce} was taken on, and got a FIN instead of an answer`);
      }
    }
  }

  atEnd(world: World): void {
    for (const request of world.requests.values()) {
      const { nonce, fate, logged, arrivals } = request;
      const begun = fate !== 'planned';
      if (begun && !request.ended) this.fail(`${nonce} has no end`);
      // An answer before the end of the request says that there will be no further one.
      const mayBreak = request.plan.streams || request.plan.early;
      if (fate === 'broken' && arrivals.length > 0 && world.options.calm && !mayBreak) {
        this.fail(`${nonce} is broken in a calm world`);
      }
      if (request.orphaned) continue;
      const exists = fate === 'answered' || arrivals.length > 0;
      if (exists && logged === 0 && request.answer?.status === 408 && this.unnamed-- > 0) continue;
      if (exists && logged !== 1) this.fail(`${nonce} (${fate}) was logged ${logged} times`);
    }
  }
}
