/**
 * Byte strings and verdicts from other projects' tests, black-box against the real process. The
 * folder is EVENKEEL_CORPORA; without it these tests are skipped. Each case is sent whole, byte by
 * byte and cut at random; after each a canary must get its own answer.
 *
 * EVENKEEL_CORPORA_REPORT=1 only prints; EVENKEEL_CORPORA_ONLY=TEXT runs the ids that contain it;
 * EVENKEEL_SEED changes the random cuts. Cases where our rules win over the corpus are listed, with
 * reasons, in docs/decisions/corpus-exceptions.md.
 */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  expectedRequest,
  expectedResponse,
  judgeRequest,
  judgeResponse,
  judgeUpstream,
  type Run,
  type ToldMessage,
  type UpstreamExpectation,
  type Verdict,
} from './corpora/judge.ts';
import type { Cut } from './e2e/harness/cut.ts';
import { RawClient } from './e2e/harness/raw-client.ts';
import type { Script } from './e2e/harness/recording-backend.ts';
import { methodsIn, Stage } from './e2e/harness/stage.ts';

const folder = process.env.EVENKEEL_CORPORA ?? '';
const reportOnly = process.env.EVENKEEL_CORPORA_REPORT === '1';
const only = process.env.EVENKEEL_CORPORA_ONLY ?? '';
const seed = Number(process.env.EVENKEEL_SEED ?? '1');
const cuts: readonly Cut[] = ['whole', 'bytes', seed];
/** Processes at work side by side. */
const lanes = 3;
/** Where it is not known whether an answer will come, and where it is. */
const answerTimeoutMs = 300;
const patienceMs = 3_000;
const endTimeoutMs = 3_000;
/** Each worker keeps connections of its own: only with one does the canary show what is kept. */
const ONE_WORKER = 'workers: 1\n';
const exceptionsFile = new URL('../docs/decisions/corpus-exceptions.md', import.meta.url);

interface Case {
  readonly id: string;
  readonly tier: string;
  /** latin1. */
  readonly bytes: string;
  readonly scripts: readonly Script[];
  /** It shows that a connection is kept, so it must not run where a backend has lost our trust. */
  readonly needsTrust: boolean;
  /** An answer must come, however busy the machine is. */
  readonly answered: boolean;
  readonly judge: (run: Run) => string | null;
}

interface Raw {
  readonly id: string;
  readonly tier: string;
  readonly verdict: Verdict;
  readonly bytes_b64: string;
  readonly request_method?: string;
  readonly messages?: readonly ToldMessage[];
}

const latin1 = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');
const load = <T>(name: string): T[] =>
  existsSync(`${folder}/${name}`) ? JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) : [];

function requestCases(): Case[] {
  return load<Raw>('requests.json').map(({ id, tier, verdict, bytes_b64, messages }) => {
    const bytes = latin1(bytes_b64);
    const expected = expectedRequest(bytes, messages ?? []);
    const judge = (run: Run): string | null => judgeRequest(verdict, expected, run);
    const answered = verdict === 'accept' && expected.complete;
    return { id, tier, bytes, scripts: [], needsTrust: true, answered, judge };
  });
}

function responseCases(): Case[] {
  return load<Raw>('responses.json').map(({ id, tier, verdict, bytes_b64, request_method }) => {
    const answer = latin1(bytes_b64);
    const method = request_method ?? 'GET';
    const target = method === 'CONNECT' ? 'lb.test:443' : '/t';
    const bytes = `${method} ${target} HTTP/1.1\r\nHost: lb.test\r\n\r\n`;
    const expected = expectedResponse(answer, method);
    // A message whose end is known keeps the connection; the others end with it.
    const known = /content-length|transfer-encoding|HTTP\/1.1 [23]04/i.test(answer);
    const keep = verdict === 'reject' || (expected?.complete === true && known);
    const scripts: Script[] = [{ bytes: answer, after: keep ? 'keep' : 'fin' }];
    const judge = (run: Run): string | null => judgeResponse(verdict, expected, run);
    const answered = verdict === 'accept' && expected?.complete === true;
    return { id, tier, bytes, scripts, needsTrust: false, answered, judge };
  });
}

interface RawUpstream {
  readonly id: string;
  readonly client_bytes_b64: string;
  readonly upstream_bytes_b64: string;
  readonly upstream_after: 'keep' | 'fin' | 'rst';
  readonly expect: UpstreamExpectation;
}

function upstreamCases(): Case[] {
  return load<RawUpstream>('upstream.json').map((raw) => ({
    id: raw.id,
    tier: 'A',
    bytes: latin1(raw.client_bytes_b64),
    scripts: [{ bytes: latin1(raw.upstream_bytes_b64), after: raw.upstream_after }],
    needsTrust: raw.expect.upstream_conn_reusable === true,
    answered: raw.expect.client === 'complete' || raw.expect.client === 'status',
    judge: (run) => judgeUpstream(raw.expect, run),
  }));
}

interface RawChunked {
  readonly id: string;
  readonly kind: 'chunked-body' | 'chunk-size-line';
  readonly consume_trailer?: string | null;
  readonly bytes_b64: string;
  readonly expectation: {
    readonly verdict: 'accept' | 'reject' | 'incomplete';
    readonly decoded_b64?: string | null;
  };
}

function chunkedCases(): Case[] {
  return load<RawChunked>('chunked-bodies.json').map((raw) => {
    let body = latin1(raw.bytes_b64);
    let decoded = latin1(raw.expectation.decoded_b64 ?? '');
    const accepted = raw.expectation.verdict === 'accept';
    if (raw.kind === 'chunk-size-line' && accepted) {
      // The corpus has the line alone; a body is built under it.
      const size = Number.parseInt(body, 16);
      decoded = 'x'.repeat(size);
      body = `${body.slice(0, body.indexOf('\r\n') + 2)}${decoded}\r\n0\r\n\r\n`;
    } else if (accepted && raw.consume_trailer === '0' && !body.endsWith('\r\n\r\n')) {
      body += '\r\n';
    }
    const head = 'POST /t HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n';
    const expected = { method: 'POST', target: '/t', body: decoded, complete: true };
    // Never whole at the backend: what is cut short is refused when the client ends.
    const verdict = accepted ? 'accept' : 'reject';
    const judge = (run: Run): string | null => judgeRequest(verdict, expected, run);
    const bytes = head + body;
    const answered = accepted;
    return { id: raw.id, tier: 'A', bytes, scripts: [], needsTrust: true, answered, judge };
  });
}

/** A stage for honest backends and one where connections are not reused any more. */
interface Lane {
  clean: Stage;
  hostile: Stage;
}

async function runCase(stage: Stage, test: Case, cut: Cut): Promise<string | null> {
  const { backend, balancer } = stage;
  backend.forget();
  backend.play(test.scripts, cut);
  const client = await RawClient.connect(balancer.port, methodsIn(test.bytes));
  await client.send(test.bytes, cut);
  const done = (): boolean => client.ended !== null || client.responses().at(-1)?.complete === true;
  if (!(await client.until(done, test.answered ? patienceMs : answerTimeoutMs))) {
    // Nothing more will come by itself: both sides end, and what is left must show.
    if (test.scripts.length > 0) await backend.end(stage.caseConnections());
    client.end();
    await client.until(() => client.ended !== null, endTimeoutMs);
  }
  // What follows at once (a close, a second answer) belongs to the case, and a backend's connection
  // is idle only after a quiet turn of the balancer's loop.
  await client.untilQuiet(20);
  const canary = await stage.canary();
  const run: Run = {
    responses: client.responses(),
    ended: client.ended,
    requests: backend.requests,
    connections: stage.caseConnections(),
    canaryWasPooled: canary.wasPooled,
    canaryConnection: canary.connection,
  };
  client.destroy();
  if (!balancer.isRunning()) return 'the process has ended';
  if (!canary.own) return 'the canary did not get its own answer';
  if (client.problem() !== null) return `to the client: ${client.problem()}`;
  return test.judge(run);
}

async function runAll(
  cases: readonly Case[],
  stages: readonly Lane[],
): Promise<Map<string, string>> {
  const wrong = new Map<string, string>();
  const queue = cases.filter((each) => each.id.includes(only));
  await Promise.all(
    stages.map(async (lane) => {
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
        for (const cut of cuts) {
          const stage = test.needsTrust ? 'clean' : 'hostile';
          const reason = await runCase(lane[stage], test, cut);
          if (reason === null) continue;
          wrong.set(test.id, `${reason} (tier ${test.tier}, cut ${cut})`);
          // What a failure left behind must not fail the next case.
          await lane[stage].close();
          lane[stage] = await Stage.open(ONE_WORKER);
          break;
        }
      }
    }),
  );
  return wrong;
}

/** `- \`id\`: reason` lines. */
function exceptions(): Map<string, string> {
  const found = new Map<string, string>();
  if (!existsSync(exceptionsFile)) return found;
  const text = readFileSync(exceptionsFile, 'utf8');
  for (const [, id, reason] of text.matchAll(/^- `([^`]+)`: (.+)$/gm)) found.set(id, reason);
  return found;
}

describe.skipIf(folder === '')('the corpora (EVENKEEL_CORPORA)', () => {
  const stages: Lane[] = [];
  const table: string[] = [];

  beforeAll(async () => {
    for (let n = 0; n < lanes; n++) {
      stages.push({ clean: await Stage.open(ONE_WORKER), hostile: await Stage.open(ONE_WORKER) });
    }
  });

  afterAll(async () => {
    for (const lane of stages) {
      await lane.clean.close();
      await lane.hostile.close();
    }
    console.log(table.join('\n'));
  });

  it.each([
    ['requests.json', requestCases],
    ['responses.json', responseCases],
    ['upstream.json', upstreamCases],
    ['chunked-bodies.json', chunkedCases],
  ] as const)(
    '%s',
    async (name, read) => {
      const cases = read();
      const known = exceptions();
      const wrong = await runAll(cases, stages);
      for (const tier of ['A', 'B', 'C']) {
        const all = cases.filter((each) => each.tier === tier);
        const failed = all.filter((each) => wrong.has(each.id));
        const excused = failed.filter((each) => known.has(each.id)).length;
        if (all.length === 0) continue;
        table.push(
          `${name} tier ${tier}: ${all.length - failed.length} of ${all.length}` +
            (excused > 0 ? `, ${excused} listed as exceptions` : ''),
        );
      }
      for (const [id, reason] of wrong) {
        table.push(`  ${known.has(id) ? 'exception' : 'WRONG'} ${id}: ${reason}`);
      }
      const stale = cases.map((each) => each.id).filter((id) => known.has(id) && !wrong.has(id));
      if (reportOnly) return;
      expect([...wrong.keys()].filter((id) => !known.has(id))).toEqual([]);
      if (only === '') expect(stale, 'exceptions that are not needed any more').toEqual([]);
    },
    600_000,
  );
});
