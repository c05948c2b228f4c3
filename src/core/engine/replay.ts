/** The beginning of a request body, kept until an attempt has it, or another one may need it. */
import { ByteQueue } from '../base/byte-queue.ts';

/** Body bytes kept so that an attempt can be repeated, or until there is a connection. */
const REPLAY_BYTES = 64 * 1024;

/** One for each exchange under way. */
export class Replay extends ByteQueue {
  /** Everything that has come so far is here: an attempt can be repeated. */
  whole = true;

  /** A request begins. */
  begin(): void {
    this.clear();
    this.whole = true;
  }

  /** No more should come before some of it has gone. */
  get full(): boolean {
    return this.length >= REPLAY_BYTES;
  }

  /** What is here has been sent: it stays only while a repetition may need it. */
  sent(mayRepeat: boolean): void {
    if (!mayRepeat || !this.whole || this.length > REPLAY_BYTES) this.forget();
  }

  /** There will be no repetition. */
  forget(): void {
    this.clear();
    this.whole = false;
  }
}
