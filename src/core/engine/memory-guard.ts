/**
 * The bytes that wait in our memory, of all exchanges together, and what is done when they are too
 * many: first what is kept only for a repetition is let go, the largest first; then new exchanges
 * are answered with 503 until there is room. What one exchange holds is bounded anyway, so looking
 * four times a second is enough.
 */
import { Timer } from '../base/timer-wheel.ts';
import type { Engine } from './engine.ts';

const LOOK_MS = 250;
/** New exchanges are taken on again below this part of the bound. */
const ROOM_AGAIN = 0.9;

/** A connection, as somebody who keeps bytes. */
export interface Holder {
  /** Bytes that wait here. */
  heldBytes(): number;
  /** Bytes among them that are kept only so that an attempt can be repeated. */
  spareBytes(): number;
  /** Lets those go. */
  giveSpare(): void;
}

/** One per engine. */
export class MemoryGuard extends Timer {
  maxBytes = Number.POSITIVE_INFINITY;
  overfull = false;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    super();
    this.engine = engine;
  }

  /** There is an exchange: something may be held. */
  watch(): void {
    if (this.tick === -1) this.engine.wheel.set(this, this.engine.wheel.nowMs() + LOOK_MS);
  }

  override onTimer(): void {
    let held = 0;
    let anybody = false;
    for (const holder of this.engine.holders()) {
      held += holder.heldBytes();
      anybody = true;
    }
    if (held > this.maxBytes) held -= this.shrink(held - this.maxBytes);
    this.judge(held);
    if (anybody) this.watch();
  }

  /** Lets go of at least `bytes`, if so many can be spared. Returns how many it were. */
  private shrink(bytes: number): number {
    const spare = [...this.engine.holders()].filter((holder) => holder.spareBytes() > 0);
    spare.sort((a, b) => b.spareBytes() - a.spareBytes());
    let given = 0;
    for (const holder of spare) {
      if (given >= bytes) break;
      given += holder.spareBytes();
      holder.giveSpare();
    }
    return given;
  }

  private judge(held: number): void {
    const was = this.overfull;
    this.overfull = held > (was ? ROOM_AGAIN * this.maxBytes : this.maxBytes);
    if (this.overfull === was) return;
    const [level, event, message] = this.overfull
      ? (['error', 'buffers_full', 'new exchanges get 503 until there is room'] as const)
      : (['info', 'buffers_free', 'new exchanges are taken on again'] as const);
    const figures = `${Math.round(held)} of ${Math.round(this.maxBytes)} bytes wait in memory`;
    const key = '(limits.max_buffer_memory)';
    this.engine.log.event(level, event, `${figures}: ${message} ${key}`, {
      bytes: Math.round(held),
      limit: Math.round(this.maxBytes),
    });
  }
}
