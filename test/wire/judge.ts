/** What each line of an `expect` block means. A line is a predicate over what was observed. */
import type { SeenConnection, SeenRequest } from '../e2e/harness/recording-backend.ts';
import {
  type Field,
  fieldValue,
  type RequestMessage,
  type ResponseMessage,
} from '../e2e/harness/strict-reader.ts';
import { plainBytes } from './wire-case.ts';

/** One run of one case, after everything has come to rest. */
export interface Observation {
  /** Final answers the client got; the last may be incomplete. */
  readonly responses: readonly ResponseMessage[];
  readonly interims: readonly ResponseMessage[];
  readonly clientTunnel: string;
  /** How the balancer ended the client's connection before the client did; null: it was open. */
  readonly clientEnded: 'fin' | 'rst' | null;
  /** A further request on the client's connection got its own answer. */
  readonly stillOpen: boolean;
  /** Connections that carried at least one byte of the case. */
  readonly connections: readonly SeenConnection[];
  /** Whole requests at the backend, every attempt. */
  readonly requests: readonly SeenRequest[];
  /** The canary came on a connection that was there before it. */
  readonly canaryWasPooled: boolean;
}

type Check = (seen: Observation, rest: string) => boolean;

const last = (seen: Observation): RequestMessage | undefined => seen.requests.at(-1)?.message;
const first = (seen: Observation): ResponseMessage | undefined => seen.responses[0];
const heads = (seen: Observation): RequestMessage[] =>
  seen.connections.flatMap((connection) => connection.requests);

/** `name: value`, `name absent` or `name present`. */
function field(fields: readonly Field[] | undefined, rest: string): boolean {
  if (fields === undefined) return false;
  const match = /^([^\s:]+)(?:: ?(.*)| (absent|present))$/s.exec(rest);
  if (match === null) throw new Error(`a field is "name: value", "name absent" or "name present"`);
  const value = fieldValue(fields, match[1]);
  if (match[3] !== undefined) return (value === null) === (match[3] === 'absent');
  return value === plainBytes(match[2] ?? '');
}

/** The words an expectation may begin with; the longest that fits is meant. */
export const checks: Readonly<Record<string, Check>> = {
  status: (seen, rest) => first(seen)?.status === Number(rest),
  statuses: (seen, rest) => seen.responses.map((each) => each.status).join(' ') === rest,
  close: (seen) => {
    const announced = seen.responses.at(-1);
    const told = fieldValue(announced?.fields ?? [], 'connection') === 'close';
    return seen.clientEnded === 'fin' && (announced === undefined || told);
  },
  closed: (seen) => seen.clientEnded !== null,
  silence: (seen) => seen.responses.length === 0,
  open: (seen) => seen.stillOpen,
  // A reset may overtake the head that was sent before it.
  broken: (seen) => seen.clientEnded !== null && seen.responses.at(-1)?.complete !== true,
  whole: (seen) => seen.responses.length > 0 && seen.responses.every((each) => each.complete),
  'client header': (seen, rest) => field(first(seen)?.fields, rest),
  'client trailer': (seen, rest) => field(first(seen)?.trailers, rest),
  'client body': (seen, rest) => first(seen)?.body === plainBytes(rest),
  'client bodies': (seen, rest) => seen.responses.map((each) => each.body).join(' | ') === rest,
  'client tunnel': (seen, rest) => seen.clientTunnel === plainBytes(rest),
  'client interim': (seen, rest) =>
    seen.interims.map((each) => each.status).join(' ') === (rest === 'none' ? '' : rest),
  'client interim header': (seen, rest) => field(seen.interims[0]?.fields, rest),
  'client line': (seen, rest) => first(seen)?.startLine === plainBytes(rest),
  'client cookies': (seen, rest) => cookies(first(seen)) === rest,
  'backend sees nothing': (seen) => seen.connections.every((each) => each.received === ''),
  'backend sees no whole request': (seen) => seen.requests.length === 0,
  'backend sees': (seen, rest) =>
    seen.requests.map(({ message }) => `${message.method} ${message.target}`).join(', ') ===
    plainBytes(rest),
  'backend attempts': (seen, rest) => heads(seen).length === Number(rest),
  'backend version': (seen, rest) => last(seen)?.version === rest,
  'backend header': (seen, rest) => field(heads(seen).at(-1)?.fields, rest),
  'backend trailer': (seen, rest) => field(last(seen)?.trailers, rest),
  'backend body': (seen, rest) => last(seen)?.body === plainBytes(rest),
  'backend framing': (seen, rest) => framing(last(seen)) === rest,
  'backend tunnel': (seen, rest) => seen.connections.at(-1)?.tunnelled() === plainBytes(rest),
  'backend connection reused': (seen) =>
    seen.requests.at(-1)?.connection.ended === null && seen.canaryWasPooled,
  'backend connection closed': (seen) =>
    seen.connections.length > 0 && seen.connections.every((each) => each.ended !== null),
};

function framing(message: RequestMessage | undefined): string {
  if (message === undefined) return 'none';
  if (fieldValue(message.fields, 'transfer-encoding') !== null) return 'chunked';
  return fieldValue(message.fields, 'content-length') === null ? 'none' : 'length';
}

function cookies(message: ResponseMessage | undefined): string {
  const fields = message?.fields ?? [];
  return fields
    .filter((each) => each.name === 'set-cookie')
    .map((each) => each.value)
    .join(' | ');
}

/** Does one line hold? `A or B` holds if one of them does. Fails on words it does not know. */
export function holds(line: string, seen: Observation): boolean {
  return line.split(' or ').some((alternative) => {
    const word = Object.keys(checks)
      .filter((each) => alternative === each || alternative.startsWith(`${each} `))
      .sort((a, b) => b.length - a.length)[0];
    if (word === undefined) throw new Error(`"${alternative}" is not an expectation`);
    return checks[word](seen, alternative.slice(word.length + 1));
  });
}

/** How many final answers the client waits for: as many as a line names, else one. */
export function answersExpected(lines: readonly string[]): number {
  const named = lines.find((line) => line.startsWith('statuses '));
  if (named !== undefined) return named.split(' ').length - 1;
  return lines.includes('silence') ? 0 : 1;
}
