/**
 * A simulated client: one connection after another, some requests on each, with the habits and the
 * pranks that the world's options give it.
 */
import type { Transport } from '../src/core/base/transport.ts';
import { ClientConversation } from './client-conversation.ts';
import { Request } from './request.ts';
import type { World } from './world.ts';

const MOST_REQUESTS = 8;

export class Client {
  readonly name: string;
  readonly address: string;
  readonly world: World;
  /** The balancer's cookie, as it was set last; null: never yet. */
  cookie: string | null = null;
  /** The session that a backend has made for it; null: none has. */
  session: string | null = null;
  private readonly transport: Transport;
  private conversation: ClientConversation | null = null;
  /** Hears that a visit is over; null: there is none. */
  private visited: (() => void) | null = null;

  constructor(world: World, number: number) {
    this.world = world;
    this.name = `client-${number}`;
    this.address = `10.1.0.${number}`;
    this.transport = world.network.transport(this.address);
  }

  /** A new connection when it is time, unless the world winds down. */
  begin(): void {
    this.world.after(this.world.drawMs(this.world.options.thinkMs), () => {
      if (this.world.healed) return;
      const { rng } = this.world;
      const count = rng.chance(1, 4) ? 1 : 1 + rng.below(MOST_REQUESTS);
      const script = Array.from({ length: count }, () => this.makeRequest());
      this.conversation = new ClientConversation(this, script);
      this.conversation.open(this.transport);
    });
  }

  private makeRequest(): Request {
    const { world } = this;
    const request = new Request(world.requests.size + 1, world.rng, world.options);
    if (world.chance(world.options.pranks.ambiguous)) {
      request.hostile = 'ambiguous';
    } else if (request.framing === 'chunked' && world.chance(world.options.pranks['bad-chunk'])) {
      request.hostile = 'bad-chunk';
    }
    world.requests.set(request.nonce, request);
    return request;
  }

  /** Its connection is over. */
  ended(): void {
    this.conversation = null;
    const { visited } = this;
    this.visited = null;
    if (visited === null) this.begin();
    else visited();
  }

  /** Once more, when everything is well. `done`: that connection is over. */
  visit(request: Request, done: () => void): void {
    this.visited = done;
    this.conversation = new ClientConversation(this, [request]);
    this.conversation.open(this.transport);
  }

  /** Requests on their way. */
  get waiting(): readonly Request[] {
    return this.conversation?.waiting ?? [];
  }

  get connected(): boolean {
    return this.conversation !== null;
  }

  /** No more pranks, no more pauses: what has begun is brought to its end. */
  heal(): void {
    this.conversation?.heal();
  }

  /** The last thing it does. */
  leave(): void {
    this.conversation?.leave();
  }
}
