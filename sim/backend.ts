/**
 * A simulated backend: a small HTTP/1.1 server of its own that answers as each request asks, and
 * does what the world's options let it do wrong. Its process can die and come back.
 */
import type { Listener, Transport } from '../src/core/base/transport.ts';
import { BackendConversation } from './backend-conversation.ts';
import type { World } from './world.ts';

/** Where every backend listens. */
const BACKEND_PORT = 80;

export class Backend {
  /** 1 and up. */
  readonly number: number;
  readonly name: string;
  /** Where it is now. */
  address: string;
  readonly world: World;
  /** Answers nothing at the moment. */
  hanging = false;
  readonly conversations = new Set<BackendConversation>();
  private transport: Transport;
  private listener: Listener | null = null;

  constructor(world: World, number: number) {
    this.world = world;
    this.number = number;
    this.name = `backend-${number}`;
    this.address = `10.0.0.${number}`;
    this.transport = world.network.transport(this.address);
    this.start();
  }

  get alive(): boolean {
    return this.listener !== null;
  }

  /** Requests that have arrived and are not answered. */
  get busy(): number {
    let busy = 0;
    for (const conversation of this.conversations) if (conversation.busy) busy += 1;
    return busy;
  }

  start(): void {
    if (this.listener !== null) return;
    this.listener = this.transport.listen(
      { host: null, port: BACKEND_PORT },
      (socket, peer) => {
        const conversation = new BackendConversation(this, socket, peer.port);
        this.conversations.add(conversation);
        return conversation;
      },
      () => {},
    );
  }

  /** The process dies: all connections are reset, new ones refused. */
  die(): void {
    this.listener = null;
    this.world.network.kill(this.address);
  }

  /** It goes away, and comes back at another address. */
  move(address: string): void {
    const { alive } = this;
    this.die();
    this.address = address;
    this.transport = this.world.network.transport(address);
    if (alive) this.start();
  }

  /** Nothing is wrong any more. What hung goes on hanging: nobody remembers it. */
  heal(): void {
    this.hanging = false;
    for (const conversation of this.conversations) conversation.heal();
    this.start();
  }
}
