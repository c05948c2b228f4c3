/** What checkers hear of a world. Each looks after one promise, and knows nothing of the others. */
import type { BackendStatus } from '../../src/core/control/status.ts';
import type { ExchangeRecord } from '../../src/core/telemetry/log.ts';
import type { Answer, Arrival, Request } from '../request.ts';
import type { StrictHead } from '../strict-reader.ts';
import type { World } from '../world.ts';
import type { Picture } from './refusals.ts';

/** It is no longer configured, and still drains. */
export const hasLeft = ({ why }: BackendStatus): boolean =>
  why.startsWith('it left the configuration');

/** A promise that was broken, as a sentence. */
export type Fail = (sentence: string) => void;

export interface Checker {
  readonly name: string;
  /** The balancer sent what is not HTTP; `where`: between whom. */
  malformed?(where: string, problem: string): void;
  /** A request's head has come to a backend; `request` null: nobody sent such a one. */
  arrived?(request: Request | null, head: StrictHead, arrival: Arrival, busy: boolean): void;
  /** A request is whole at a backend. */
  arrivedWhole?(request: Request, arrival: Arrival, body: BodySeen): void;
  /** The client has a whole answer to this request. */
  answered?(request: Request, answer: Answer): void;
  /** The balancer ended the connection (FIN) with these requests unanswered. */
  ended?(unanswered: readonly Request[], amidMessage: boolean): void;
  /** The tunnel is over in order. */
  tunnelEnded?(request: Request): void;
  /** A final answer that no request waits for, or a 101 that none asked for. */
  unasked?(where: string, status: number): void;
  /** A line of the access log. `request` null: its target is none that was sent. */
  logged?(request: Request | null, record: ExchangeRecord): void;
  /** The balancer sent a request from this port, over a connection that was not clean. */
  reusedDirty?(port: number): void;
  /** A request came over a connection on which the answer before it is not whole. */
  reusedUnfinished?(backend: string, nonce: string): void;
  /** The balancer has so many connections to this address of a backend now. */
  dialled?(address: string, open: number): void;
  /**
   * The resolver tells the addresses of a name; none: it fails. `isLatest`: it has not been asked
   * again since.
   */
  resolved?(name: string, addresses: readonly string[], isLatest: boolean): void;
  /** A reload was refused; what was configured before and after. `isAtOnce`: within one call. */
  refused?(before: Picture, after: Picture, isAtOnce: boolean): void;
  /** The engine has chosen this slot for an attempt. */
  picked?(slot: number): void;
  /** The wall clock is about to be set, by so much. */
  clockJumps?(byMs: number): void;
  /** The engine has decided whether a request of this client is within its rate. */
  limited?(client: string, isWithin: boolean): void;
  /** All was healed and quiet, and a visitor has had what it gets (`visits.ts`). */
  visited?(request: Request): void;
  /** They were given enough time. */
  revisited?(world: World): void;
  /** All is healed and quiet; the balancer still runs, unless it was asked to stop. */
  atRest?(world: World): void;
  /** The balancer has stopped and every connection is closed. */
  atEnd?(world: World): void;
  /** Its threads have ended too. */
  afterEnd?(world: World): void;
}

/** A body as somebody read it. */
export interface BodySeen {
  readonly bytes: number;
  /** The first byte that is wrong; -1: none. */
  readonly wrongAt: number;
  readonly trail: string | null;
}
