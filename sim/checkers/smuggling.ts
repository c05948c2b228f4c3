/**
 * Both ends agree with the balancer on where messages begin and end: nothing malformed ever comes
 * from it, and backends see the requests that clients sent, no others and no more than attempts.
 */
import type { ExchangeRecord } from '../../src/core/telemetry/log.ts';
import type { Arrival, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import type { World } from '../world.ts';
import type { Checker, Fail } from './checker.ts';

export function createSmuggling(world: World, fail: Fail): Checker {
  return new Smuggling(world, fail);
}

class Smuggling implements Checker {
  readonly name = 'no smuggling';
  private readonly world: World;
  private readonly fail: Fail;
  private readonly attempts = new Map<Request, number>();

  constructor(world: World, fail: Fail) {
    this.world = world;
    this.fail = fail;
  }

  malformed(where: string, problem: string): void {
    this.fail(`from ${where}: ${problem}`);
  }

  arrived(request: Request | null, head: StrictHead, arrival: Arrival, busy: boolean): void {
    const where = arrival.backend.name;
    const what = `${head.method} ${head.target}`;
    if (request === null) {
      this.fail(`${where} got ${what}, which nobody sent`);
      return;
    }
    if (head.method !== request.method || head.target !== request.target) {
      this.fail(`${where} got ${what} for ${request.method} ${request.target}`);
    }
    // An answer too many is taken for the one to the next request: HTTP/1.1 cannot tell.
    const excused = this.world.poisoned.has(arrival.connection);
    if (busy && !excused)
      this.fail(`${where} got ${what} before it had answered the request before it`);
    if (request.hostile === 'ambiguous') this.fail(`${where} got ${what}, framed in two ways`);
    const empty = request.framing === 'length' && request.bodyBytes === 0;
    const framing = empty ? 'none' : request.framing;
    if (head.framing !== framing) this.fail(`${where} got ${what} with framing ${head.framing}`);
    if (head.fields.has('expect') !== request.expect) {
      this.fail(`${where} got ${what} ${request.expect ? 'without its' : 'with an'} Expect`);
    }
    if (head.fields.has('x-hop'))
      this.fail(`${where} got ${what} with a field of the client's hop`);
    if (!head.fields.has('x-request-id')) this.fail(`${where} got ${what} without X-Request-Id`);
  }

  logged(request: Request | null, record: ExchangeRecord): void {
    if (request !== null) this.attempts.set(request, record.attempts);
  }

  atEnd(world: World): void {
    for (const request of world.requests.values()) {
      if (request.orphaned) continue;
      const attempts = this.attempts.get(request) ?? 0;
      const seen = request.arrivals.length;
      const most = `${request.nonce}: ${attempts} attempts, backends saw ${seen}`;
      if (seen > attempts) this.fail(most);
      if (world.options.calm && seen !== attempts) this.fail(`${most} in a calm world`);
    }
  }
}
