/** Connections whose response is whole, until one turn of the loop has passed in silence. */
import type { Clock } from '../base/clock.ts';
import type { BackendConnection } from './backend-connection.ts';

/** A list through the connections themselves, in order. */
export class Settling {
  private readonly clock: Clock;
  private first: BackendConnection | null = null;
  private last: BackendConnection | null = null;
  private readonly afterTurn = (): void => this.turnPassed();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Hears `settled` after one whole turn. */
  add(connection: BackendConnection): void {
    if (this.last === null) {
      this.first = connection;
      this.clock.nextTurn(this.afterTurn);
    } else this.last.nextSettling = connection;
    this.last = connection;
  }

  private turnPassed(): void {
    let connection = this.first;
    this.first = this.last = null;
    while (connection !== null) {
      const next: BackendConnection | null = connection.nextSettling;
      connection.nextSettling = null;
      connection.settled();
      connection = next;
    }
  }
}
