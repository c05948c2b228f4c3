import { describe, expect, it } from 'vitest';
import { poolConfig } from '../../../test/fixtures/control-world.ts';
import { request } from '../../../test/fuzz/heads.ts';
import { latin1, toLatin1 } from '../base/bytes.ts';
import { type FailureKind, failure, type Side } from '../base/failure.ts';
import { createRng } from '../base/rng.ts';
import { Circuit, CircuitState } from '../resilience/circuit.ts';
import { Table } from '../table/table.ts';
import { makeAnswer } from './answer.ts';
import { Pool } from './pool.ts';

const CAUSE = '10.0.0.1:9000 did something secret';
const plain = request('GET / HTTP/1.1', 'Host: a');

/** The answer to a failure, its body as text. */
function answerTo(kind: FailureKind, side: Side, status: number, head = plain, pool?: Pool) {
  const why = failure(kind, side, 'relay', 'never', CAUSE);
  const answer = makeAnswer(why, status, head, 'id-1', pool ?? null);
  return { ...answer, text: toLatin1(answer.body) };
}

describe('an answer of our own', () => {
  it('says the status, what happened and the id of the request', () => {
    const { status, contentType, text, fields } = answerTo('no_route', 'us', 404);
    expect(status).toBe(404);
    expect(contentType).toBe('text/plain; charset=utf-8');
    expect(text).toBe(
      '404 Not Found\n\nNothing is configured for this host and path.\nRequest id: id-1\n',
    );
    expect(fields).toBe('');
  });

  it('is JSON for those who ask for it', () => {
    const head = request('GET / HTTP/1.1', 'Host: a', 'Accept: application/json');
    const { contentType, text } = answerTo('no_route', 'us', 404, head);
    expect(contentType).toBe('application/json');
    expect(JSON.parse(text)).toEqual({
      status: 404,
      error: 'Not Found',
      detail: 'Nothing is configured for this host and path',
      request_id: 'id-1',
    });
  });

  it('tells when to come again if nobody is there, or there is no room', () => {
    expect(answerTo('no_backend', 'us', 503).fields).toBe('Retry-After: 1\r\n');
    expect(answerTo('no_resources', 'us', 503).fields).toBe('Retry-After: 1\r\n');
    expect(answerTo('no_route', 'us', 404).fields).toBe('');
  });

  it('names the methods that are allowed with a 405', () => {
    const { fields } = answerTo('malformed', 'client', 405);
    expect(fields).toMatch(/^Allow: [A-Z, ]+\r\n$/);
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(fields).toContain(method);
    }
    expect(fields).not.toMatch(/TRACE|CONNECT/);
  });
});

describe('the words', () => {
  const kinds: readonly (readonly [FailureKind, Side, number, RegExp])[] = [
    ['no_backend', 'us', 503, /No backend is available/],
    ['refused', 'backend', 502, /could not be reached/],
    ['unreachable', 'backend', 502, /could not be reached/],
    ['unresolved', 'us', 503, /could not be reached/],
    ['connect_timeout', 'backend', 504, /too long to accept/],
    ['tls', 'backend', 502, /secure connection/],
    ['timeout_head', 'client', 408, /request did not arrive/],
    ['timeout_head', 'backend', 504, /too long to answer/],
    ['timeout_idle', 'client', 408, /request arrived too slowly/],
    ['timeout_idle', 'backend', 504, /backend fell silent/],
    ['too_slow', 'client', 408, /request arrived too slowly/],
    ['reset', 'backend', 502, /closed the connection/],
    ['closed', 'backend', 502, /closed the connection/],
    ['malformed', 'backend', 502, /not valid HTTP/],
    ['no_resources', 'us', 503, /could not handle this request now/],
    ['internal', 'us', 500, /could not handle this request now/],
  ];

  it('fit the failure, and give nothing of the inside away', () => {
    for (const [kind, side, status, words] of kinds) {
      const { text } = answerTo(kind, side, status);
      expect(text).toMatch(words);
      expect(text).not.toContain(CAUSE);
    }
  });

  it('say which rule of the wire the client has broken', () => {
    expect(answerTo('malformed', 'client', 400).text).toContain(
      `The request was refused: ${CAUSE}.`,
    );
  });
});

describe('a page of the user', () => {
  const page = { body: latin1('<p>Back soon</p>'), contentType: 'text/html' };
  const config = poolConfig([], { errorPages: new Map([[503, page]]) });
  const table = new Table({ capacity: 16, workers: 1 });
  const pool = new Pool(
    config,
    table,
    { generation: () => 0 },
    { rng: createRng(1), wallMs: () => 0, log: { event() {} } },
  );

  it('takes the place of our words for its status, also for those who ask for JSON', () => {
    const head = request('GET / HTTP/1.1', 'Host: a', 'Accept: application/json');
    for (const each of [plain, head]) {
      const answer = answerTo('no_backend', 'us', 503, each, pool);
      expect(answer.text).toBe('<p>Back soon</p>');
      expect(answer.contentType).toBe('text/html');
      expect(answer.fields).toBe('Retry-After: 1\r\n');
    }
  });

  it('says when the circuit may be closed again, if that is open', () => {
    const memory = new ArrayBuffer(Circuit.BYTES);
    pool.configure(config, [], { circuit: memory, sessions: null });
    new Circuit(memory).set(CircuitState.open, 4200, 4200);
    expect(answerTo('circuit_open', 'us', 503, plain, pool).fields).toBe('Retry-After: 5\r\n');
    new Circuit(memory).set(CircuitState.closed);
    expect(answerTo('no_backend', 'us', 503, plain, pool).fields).toBe('Retry-After: 1\r\n');
  });

  it('is not used for another status', () => {
    expect(answerTo('closed', 'backend', 502, plain, pool).text).toMatch(/^502 Bad Gateway\n/);
  });
});
