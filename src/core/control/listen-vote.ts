/** A listener is open when every worker listens; if one cannot, it is not. */
import type { Failure } from '../base/failure.ts';
import type { ListenerConfig } from '../config.ts';

export class ListenVote {
  /** With the port that is shared, once that is known. */
  listener: ListenerConfig;
  /** Workers have been asked, so one that is started now is asked as well. */
  isAsked = false;
  private readonly waiting: Set<number>;
  private readonly done: (failure: Failure | null) => void;
  private ended = false;

  /** `done` is called once. */
  constructor(listener: ListenerConfig, workers: number, done: (failure: Failure | null) => void) {
    this.listener = listener;
    this.waiting = new Set(Array.from({ length: workers }, (_, worker) => worker));
    this.done = done;
  }

  /** What to ask each worker for, now that the port is known. */
  ask(port: number): ListenerConfig {
    this.isAsked = true;
    this.listener = { ...this.listener, port };
    return this.listener;
  }

  /** Every worker listens. */
  get isOpen(): boolean {
    return this.waiting.size === 0;
  }

  /** A worker's answer. One that has been replaced answers once more. */
  cast(worker: number, failure: Failure | null, port: number): void {
    if (failure !== null) {
      this.end(failure);
      return;
    }
    this.waiting.delete(worker);
    this.listener = { ...this.listener, port };
    if (this.isOpen) this.end(null);
  }

  /** Nothing is waited for any more. */
  end(failure: Failure | null): void {
    if (this.ended) return;
    this.ended = true;
    this.done(failure);
  }
}
