/**
 * How the README of the corpora says a case is judged. Each function returns the reason why a run
 * is wrong, or null. Nothing here knows the balancer; it sees what went in and what came out.
 */
import type { SeenConnection, SeenRequest } from '../e2e/harness/recording-backend.ts';
import {
  fieldValue,
  type RequestMessage,
  RequestReader,
  type ResponseMessage,
  ResponseReader,
} from '../e2e/harness/strict-reader.ts';

export type Verdict = 'accept' | 'reject' | 'either';

/** One run of one case. */
export interface Run {
  readonly responses: readonly ResponseMessage[];
  /** How the connection of the client ended; null: it stayed open. */
  readonly ended: 'fin' | 'rst' | null;
  readonly requests: readonly SeenRequest[];
  readonly connections: readonly SeenConnection[];
  /** The canary came on a connection that was there before it. */
  readonly canaryWasPooled: boolean;
  readonly canaryConnection: SeenConnection | null;
}

export interface ExpectedRequest {
  readonly method: string;
  readonly target: string;
  /** latin1; null: not known. */
  readonly body: string | null;
  /** False: its end never comes; only the head can arrive. */
  readonly complete: boolean;
}

/** A message as the corpus tells it. */
export interface ToldMessage {
  readonly method?: string;
  readonly url?: string;
  readonly body?: string | null;
  readonly complete?: boolean | null;
}

const latin1 = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');

/** Absolute URLs arrive as path (rules TG01 to TG03). */
function forwardedTarget(method: string, target: string): string {
  const match = /^https?:\/\/[^/?#]+(.*)$/i.exec(target);
  if (match === null) return target;
  if (match[1] === '') return method === 'OPTIONS' ? '*' : '/';
  return match[1].startsWith('?') ? `/${match[1]}` : match[1];
}

/** What the backend must see of these bytes: as told, else as the strict reader reads them. */
export function expectedRequest(bytes: string, told: readonly ToldMessage[]): ExpectedRequest {
  const whole: RequestMessage[] = [];
  const reader = new RequestReader(
    () => {},
    (request) => whole.push(request),
  );
  reader.push(bytes);
  const line = /^(?:\r\n)*(\S+) (\S+)/.exec(bytes) ?? ['', '', ''];
  const method = told[0]?.method ?? line[1];
  const target = forwardedTarget(method, told[0]?.url ?? line[2]);
  const body = told[0]?.complete === true ? latin1(told[0].body ?? '') : (whole[0]?.body ?? null);
  const complete = told[0]?.complete === true || whole.length > 0 || reader.problem !== null;
  return { method, target, body, complete };
}

/** The first final answer in these bytes; `complete` says whether FIN after them makes it whole. */
export function expectedResponse(bytes: string, method: string): ResponseMessage | undefined {
  const reader = new ResponseReader(() => method);
  // Two liberties the corpus takes and our reader does not.
  reader.push(bytes.replace(/^(\r\n)+/, '').replace(/^(HTTP\/1\.\d \d{3})\r\n/, '$1 \r\n'));
  reader.finish();
  return reader.finals()[0];
}

/** What must hold for every run, whatever the verdict. */
export function invariants(run: Run): string | null {
  const problem = run.connections.map((each) => each.problem()).find((each) => each !== null);
  return problem === undefined ? null : `forwarded: ${problem}`;
}

export function judgeRequest(verdict: Verdict, expected: ExpectedRequest, run: Run): string | null {
  const broken = invariants(run);
  if (broken !== null) return broken;
  if (run.responses.length < run.requests.length && run.ended === null) {
    return `${run.requests.length} requests, ${run.responses.length} answers`;
  }
  if (verdict === 'either') return null;
  const [first] = run.responses;
  if (verdict === 'reject') {
    if (run.requests.length > 0) return 'the backend saw a whole request';
    return run.ended !== null || first?.status >= 400 ? null : 'neither an error nor a close';
  }
  const heads = run.connections.flatMap((each) => each.requests);
  const seen = expected.complete ? run.requests[0]?.message : heads[0];
  if (seen === undefined) return `the backend saw nothing; status ${first?.status ?? 'none'}`;
  if (seen.method !== expected.method) return `method ${seen.method}`;
  if (seen.target !== expected.target) return `target ${seen.target}, not ${expected.target}`;
  if (!expected.complete) return null;
  if (expected.body !== null && seen.body !== expected.body)
    return `body ${seen.body.length} bytes`;
  return first?.status === 200 ? null : `status ${first?.status ?? 'none'}`;
}

const isBroken = (run: Run): boolean => {
  const last = run.responses.at(-1);
  return (last === undefined || !last.complete) && run.ended !== null;
};

const isPooled = (run: Run): boolean =>
  run.canaryConnection !== null && run.connections.includes(run.canaryConnection);

/** Which idle connection the canary takes is the pool's affair; none may have been ended. */
const isKept = (run: Run): boolean =>
  run.canaryWasPooled && run.connections.every((each) => each.ended === null);

export function judgeResponse(
  verdict: Verdict,
  expected: ResponseMessage | undefined,
  run: Run,
): string | null {
  const broken = invariants(run);
  if (broken !== null || verdict === 'either') return broken;
  const [first] = run.responses;
  if (verdict === 'reject') {
    if (isPooled(run)) return 'the connection is used again';
    return first?.status === 502 || isBroken(run) ? null : `status ${first?.status ?? 'none'}`;
  }
  if (expected === undefined) return 'the strict reader cannot tell what is expected';
  if (!expected.complete && (first?.status === 502 || isBroken(run))) return null;
  if (first?.status !== expected.status) return `status ${first?.status ?? 'none'}`;
  if (!expected.complete) return 'a cut message looks whole';
  if (!first.complete) return 'the answer is not whole';
  return first.body === expected.body ? null : `body ${JSON.stringify(first.body.slice(0, 80))}`;
}

/** The expectation of an upstream case, as far as the corpus uses it. */
export interface UpstreamExpectation {
  readonly client: 'complete' | 'status' | 'incomplete' | 'status_or_alt';
  readonly status?: number;
  readonly or_status?: number;
  readonly body_b64?: string;
  readonly prefix_b64?: string;
  readonly upstream_conn_reusable?: boolean;
  readonly client_no_cl?: boolean;
  readonly no_tunnel?: boolean;
  readonly absent_headers?: readonly string[];
  readonly header_bytes_b64?: Readonly<Record<string, string>>;
  readonly headers_separate?: readonly string[];
  readonly head_cl?: string;
  readonly alt?: {
    readonly status: number;
    readonly no_header?: string;
    readonly header?: Readonly<Record<string, string>>;
  };
}

export function judgeUpstream(expect: UpstreamExpectation, run: Run): string | null {
  const broken = invariants(run);
  if (broken !== null) return broken;
  if (expect.upstream_conn_reusable === true && !isKept(run)) return 'the connection is not kept';
  if (expect.upstream_conn_reusable === false && isPooled(run)) return 'the connection is kept';
  const [first] = run.responses;
  if (expect.or_status !== undefined && first?.status === expect.or_status) return null;
  if (expect.client === 'incomplete') {
    if (!isBroken(run)) return 'the answer does not look broken';
    const prefix = latin1(expect.prefix_b64 ?? '');
    return prefix.startsWith(first?.body ?? '') ? null : `body ${first.body}`;
  }
  if (first === undefined) return 'no answer';
  if (expect.alt !== undefined && first.status === expect.alt.status) {
    const { no_header: none, header = {} } = expect.alt;
    if (none !== undefined && fieldValue(first.fields, none) !== null)
      return `${none} came through`;
    const wrong = Object.entries(header).find(
      ([name, value]) => fieldValue(first.fields, name) !== value,
    );
    return wrong === undefined ? null : `${wrong[0]} is not ${wrong[1]}`;
  }
  if (first.status !== expect.status) return `status ${first.status}`;
  return expect.client === 'complete' ? judgeWhole(expect, first) : null;
}

function judgeWhole(expect: UpstreamExpectation, first: ResponseMessage): string | null {
  if (!first.complete) return 'the answer is not whole';
  if (expect.body_b64 !== undefined && first.body !== latin1(expect.body_b64)) return 'the body';
  const value = (name: string): string | null => fieldValue(first.fields, name);
  if (expect.client_no_cl === true && value('content-length') !== null) return 'Content-Length';
  if (expect.no_tunnel === true && value('upgrade') !== null) return 'Upgrade';
  if (expect.head_cl !== undefined && value('content-length') !== expect.head_cl) return 'length';
  const present = expect.absent_headers?.find((name) => value(name) !== null);
  if (present !== undefined) return `${present} came through`;
  for (const [name, bytes] of Object.entries(expect.header_bytes_b64 ?? {})) {
    if (value(name) !== latin1(bytes)) return `${name} has changed`;
  }
  if (expect.headers_separate !== undefined) {
    const cookies = first.fields.filter((each) => each.name === 'set-cookie');
    const same =
      cookies.map((each) => each.value).join('\n') === expect.headers_separate.join('\n');
    if (!same) return 'Set-Cookie';
  }
  return null;
}
