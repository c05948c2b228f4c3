/** What is due when: a heap of items by time, so that many due times need one alarm. */

interface Entry<T> {
  readonly dueMs: number;
  /** Equal times keep the order in which they were put. */
  readonly turn: number;
  readonly item: T;
  crossedOut: boolean;
}

/** Crosses an item out: it is not taken any more. Idempotent. */
export type CrossOut = () => void;

export class Agenda<T> {
  private readonly heap: Entry<T>[] = [];
  private turns = 0;

  put(item: T, dueMs: number): CrossOut {
    const entry: Entry<T> = { dueMs, turn: this.turns++, item, crossedOut: false };
    this.heap.push(entry);
    this.rise(this.heap.length - 1);
    return () => {
      entry.crossedOut = true;
    };
  }

  /** When the first item is due; null: nothing is on the agenda. */
  firstDueMs(): number | null {
    while (this.heap.length > 0 && this.heap[0].crossedOut) this.removeFirst();
    return this.heap.length === 0 ? null : this.heap[0].dueMs;
  }

  /** Takes the first item if it is due at `nowMs`, else null. */
  take(nowMs: number): T | null {
    const dueMs = this.firstDueMs();
    return dueMs === null || dueMs > nowMs ? null : this.removeFirst().item;
  }

  private removeFirst(): Entry<T> {
    const first = this.heap[0];
    const last = this.heap.pop() as Entry<T>;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.sink();
    }
    return first;
  }

  private rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!earlier(this.heap[index], this.heap[parent])) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private sink(): void {
    let index = 0;
    for (;;) {
      let first = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.heap.length && earlier(this.heap[child], this.heap[first])) first = child;
      }
      if (first === index) return;
      this.swap(index, first);
      index = first;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b], this.heap[a]];
  }
}

function earlier<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.dueMs === b.dueMs ? a.turn < b.turn : a.dueMs < b.dueMs;
}
