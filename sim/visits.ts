/**
 * Act three: when everything is well again, clients come back, one after the other, each with one
 * plain request. Whatever has happened before, soon all of them are served.
 */
import { type AnswerPlan, Request } from './request.ts';
import type { World } from './world.ts';

const EVERY_MS = 200;
/** So many in a row are served: each of five backends of weight 5 has its turns twice. */
const LEAST = 8;
const MOST = 50;

const PLAN: AnswerPlan = {
  status: 200,
  framing: 'length',
  bodyBytes: 100,
  trailer: false,
  interims: 0,
  early: false,
  echo: false,
  streams: false,
  switches: false,
  late: false,
  parts: 1,
  close: false,
};

const PLAIN = {
  method: 'GET',
  old: false,
  upgrade: false,
  framing: 'none',
  bodyBytes: 0,
  trailer: false,
  expect: false,
  close: false,
  early: 0,
  plan: PLAN,
} as const;

export class Visits {
  /** So many in a row have been served by a backend. */
  served = 0;
  /** What became of the last one that was not. */
  lastFailure = 'nobody came';
  private readonly world: World;
  private readonly wanted: number;
  private count = 0;

  constructor(world: World) {
    this.world = world;
    const { policy, weights } = world.options;
    const cycles = 2 * weights.reduce((sum, weight) => sum + weight, 0);
    this.wanted = policy === 'round_robin' ? Math.min(MOST, Math.max(LEAST, cycles)) : LEAST;
  }

  begin(): void {
    this.world.note('world', 'has visitors');
    this.next();
  }

  get areServed(): boolean {
    return this.served >= this.wanted;
  }

  private next(): void {
    const { world } = this;
    world.after(EVERY_MS, () => {
      if (this.areServed || world.stopping) return;
      const request = this.makeRequest();
      world.clients[this.count++ % world.clients.length].visit(request, () => {
        this.judge(request);
        world.tell((each) => each.visited?.(request));
        this.next();
      });
    });
  }

  private makeRequest(): Request {
    const { requests, rng, options } = this.world;
    const request = Object.assign(new Request(requests.size + 1, rng, options), PLAIN);
    requests.set(request.nonce, request);
    return request;
  }

  private judge({ nonce, fate, answer }: Request): void {
    const isServed = fate === 'answered' && answer !== null && answer.nonce !== null;
    if (!isServed) this.lastFailure = `${nonce} is ${fate}, with ${answer?.status ?? 'no answer'}`;
    this.served = isServed ? this.served + 1 : 0;
  }
}
