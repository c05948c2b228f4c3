/** What the kinds of probes say over a connection that is open; one file for each kind. */
import type { ReportedLoad } from '../balancing/balancing.ts';
import type { ProbeConfig } from '../config.ts';
import type { Evidence } from '../health/tracker.ts';
import type { Backend } from '../table/backend.ts';
import { HttpConversation } from './http-conversation.ts';

/** For one probe. Bytes in, evidence out. */
export interface Conversation {
  /** What is asked, for people: `GET /health`. */
  readonly label: string;
  /** What is sent first. */
  readonly request: Uint8Array;
  /** What the backend says of its load, in a good answer; null: nothing, or nobody asked. */
  readonly load: ReportedLoad | null;
  /** Bytes have come; null: more are needed. Not called again once it has answered. */
  heard(bytes: Uint8Array): Evidence | null;
  /** The backend has closed the connection before there was evidence. */
  ended(): Evidence;
}

type Begin = (backend: Backend, check: ProbeConfig) => Conversation;

/** Null: a connection that opens is all there is to know. */
const kinds: Readonly<Record<ProbeConfig['kind'], Begin | null>> = {
  tcp: null,
  http: (backend, check) => new HttpConversation(backend, check),
};

/** What this probe says to this backend; null: nothing, it only connects. */
export function conversationWith(backend: Backend, check: ProbeConfig | null): Conversation | null {
  const begin = check === null ? null : kinds[check.kind];
  return check === null || begin === null ? null : begin(backend, check);
}
