/** Memory that the control thread makes, and in which all workers count and remember. */
export interface SharedMemories {
  /** For each route that of each of its rate limits, in their order. */
  readonly routes: readonly (readonly ArrayBufferLike[])[];
  /** For the connections of each client; null: they are not limited. */
  readonly clients: ArrayBufferLike | null;
  /** Of pools with a circuit breaker, by name. */
  readonly circuits: ReadonlyMap<string, ArrayBufferLike>;
  /** For the sessions of each pool that remembers them, by its name. */
  readonly sessions: ReadonlyMap<string, ArrayBufferLike>;
}
