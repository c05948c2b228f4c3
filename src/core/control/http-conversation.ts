/**
 * A probe by HTTP/1.1: one request, and whether the answer is what the health check expects. The
 * verdict falls on the status, or once the body shows whether the expected text is in it.
 */

import { goesByReports, type ReportedLoad } from '../balancing/balancing.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import type { ProbeConfig } from '../config.ts';
import type { Evidence } from '../health/tracker.ts';
import { BackendLoad } from '../http/backend-load.ts';
import { Head } from '../http/head.ts';
import type { Backend } from '../table/backend.ts';
import { AnswerBody, BODY_BYTES } from './answer-body.ts';
import { parseAnswerHead } from './answer-head.ts';
import { type Answer, AnswerReader } from './answer-reader.ts';
import type { Conversation } from './conversation.ts';
import { quote } from './wording.ts';

/** So many characters of a body that is not the expected one are shown. */
const SHOWN = 60;

export class HttpConversation implements Conversation {
  readonly label: string;
  readonly request: Uint8Array;
  load: ReportedLoad | null = null;
  private readonly check: ProbeConfig;
  private readonly wantsLoad: boolean;
  private readonly reader: AnswerReader;
  /** The answer's, when its status is an expected one and so is some text in it. */
  private body: AnswerBody | null = null;
  /** `GET /health answered 200`, once it has. */
  private what = '';

  constructor(backend: Backend, check: ProbeConfig) {
    this.check = check;
    this.label = `${check.method} ${check.path}`;
    this.request = latin1(requestHead(check, backend));
    this.wantsLoad = goesByReports(backend.pool.policy);
    this.reader = new AnswerReader(this.wantsLoad || check.expectedBody !== null);
  }

  heard(bytes: Uint8Array): Evidence | null {
    if (this.body !== null) return this.read(this.body, bytes);
    const answer = this.reader.push(bytes);
    if (answer === null) return null;
    if (answer === 'malformed') {
      const came = quote(toLatin1(bytes, 0, Math.min(bytes.length, 24)), 24);
      return failed(`${this.label} was not answered in HTTP/1.x but with ${came}`);
    }
    if (answer === 'too_large')
      return failed(`${this.label} was answered with a head above 16 KiB`);
    return this.judge(answer);
  }

  ended(): Evidence {
    const { body } = this;
    body?.end();
    const evidence = body === null ? null : this.judgeBody(body);
    return evidence ?? failed(`the connection was closed before an answer to ${this.label}`);
  }

  private judge({ status, location, head, rest }: Answer): Evidence | null {
    const { expectedStatus, expectedBody } = this.check;
    const expected = expectedStatus.some(([low, high]) => status >= low && status <= high);
    const to = location === null ? '' : ` to ${location}`;
    this.what = `${this.label} answered ${status}${to}`;
    if (!expected) {
      // A redirect or a log-in page is often what a healthy server says to strangers.
      const settable = (status >= 300 && status < 400) || status === 401 || status === 403;
      return failed(settable ? `${this.what}; set expected_status` : this.what);
    }
    if (this.wantsLoad) this.load = loadIn(head);
    if (expectedBody === null) return { kind: 'passed', what: this.what };
    this.body = new AnswerBody(expectedBody, head);
    return this.read(this.body, latin1(rest));
  }

  private read(body: AnswerBody, bytes: Uint8Array): Evidence | null {
    body.push(bytes);
    return this.judgeBody(body);
  }

  /** Null: more of it has to come. */
  private judgeBody(body: AnswerBody): Evidence | null {
    const { what } = this;
    const wanted = quote(this.check.expectedBody ?? '', SHOWN);
    if (body.found) return { kind: 'passed', what: `${what} with ${wanted} in its body` };
    if (!body.over) return null;
    if (body.problem !== null) {
      return failed(`${what} with a body that cannot be read: ${body.problem}`);
    }
    const came = body.length === 0 ? 'an empty body' : quote(body.start, SHOWN);
    const where = body.length < BODY_BYTES ? '' : ' in the first 64 KiB of its body';
    return failed(`${what} without ${wanted}${where}, but with ${came}`);
  }
}

const failed = (why: string): Evidence => ({ kind: 'failed', how: 'other', why });

/** What `Backend-Load` says in this head; null: nothing that counts. */
function loadIn(head: string): ReportedLoad | null {
  const parsed = parseAnswerHead(head);
  if (!(parsed instanceof Head)) return null;
  const load = new BackendLoad();
  load.read(parsed);
  return load.inFlight === -1 ? null : load;
}

/** Its fields were checked with the configuration: no CR, LF or blank inside. */
function requestHead(check: ProbeConfig, backend: Backend): string {
  const bodyless = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE'].includes(check.method);
  const own = new Set(check.headers.map(([name]) => name.toLowerCase()));
  const unlessOwn = (name: string, value: string): string =>
    own.has(name.toLowerCase()) ? '' : `${name}: ${value}\r\n`;
  return (
    `${check.method} ${check.path} HTTP/1.1\r\n` +
    `Host: ${check.host ?? backend.config.authority}\r\n` +
    unlessOwn('User-Agent', 'evenkeel') +
    unlessOwn('Accept', '*/*') +
    check.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('') +
    (bodyless ? '' : 'Content-Length: 0\r\n') +
    'Connection: close\r\n\r\n'
  );
}
