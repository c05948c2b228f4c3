/**
 * Every rule of the wire, as the pages beside this file tell it, on the real process: each case is
 * fed whole, byte by byte and cut at random, and after each a canary must get its own answer.
 * EVENKEEL_SEED changes the random cuts; EVENKEEL_WIRE runs only the ids that begin with it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cut } from '../e2e/harness/cut.ts';
import { RawClient } from '../e2e/harness/raw-client.ts';
import type { Script } from '../e2e/harness/recording-backend.ts';
import { methodsIn, Stage } from '../e2e/harness/stage.ts';
import { answersExpected, checks, holds, type Observation } from './judge.ts';
import { loadCases, parseBytes, parseCases, type Step, type WireCase } from './wire-case.ts';

/** The rules, by letters and how many there are. */
const rules: Readonly<Record<string, number>> = {
  RL: 30, // request line
  TG: 11, // target
  HO: 14, // Host
  FL: 20, // field lines
  CL: 28, // Content-Length
  TE: 28, // Transfer-Encoding
  CH: 35, // chunked coding
  FW: 20, // forwarding
  UP: 47, // answers of backends
  CM: 11, // connections
};

/** Cases of our own beside the rules: what other projects and attackers have sent. */
const further: Readonly<Record<string, number>> = {
  SL: 16, // start lines
  SH: 19, // targets and hosts
  SF: 17, // field lines
  SB: 30, // bodies and framing
  SU: 35, // answers of backends
};

const seed = Number(process.env.EVENKEEL_SEED ?? '1');
const only = process.env.EVENKEEL_WIRE ?? '';
const cuts: readonly Cut[] = ['whole', 'bytes', seed, seed + 1];
/** CM06 is about it. */
const config = 'workers: 1\nlimits:\n  body: 1MiB\n';
/** Where nothing is expected to come, so long is waited for it. */
const answerTimeoutMs = 400;
const patienceMs = 2_000;
/** Expectations that say that an answer or an end comes. */
const comes = /^(status|whole|open|client|close|closed|broken)/;
const cases = loadCases();

/**
 * Two of them: where a backend has broken the rules once, its connections are not reused for ten
 * minutes, so the cases that show reuse have a stage of their own.
 */
let clean: Stage;
let hostile: Stage;
async function perform(client: RawClient, steps: readonly Step[], cut: Cut): Promise<void> {
  let seen = 0;
  for (const step of steps) {
    if (step === 'fin') client.end();
    else if (step === 'rst') client.reset();
    else if (step === 'wait') {
      await client.until(() => client.received.length > seen || client.ended !== null, 2_000);
      seen = client.received.length;
    } else await client.send(step.send, cut);
  }
}

/** Waits for what is expected; where nothing comes, ends our side and waits for theirs. */
async function settle(client: RawClient, wire: WireCase): Promise<'fin' | 'rst' | null> {
  const expected = answersExpected(wire.expect);
  const whole = (): boolean => {
    const done = client.responses().filter((response) => response.complete);
    return expected > 0 && done.length >= expected;
  };
  const closing = wire.expect.some((line) => /^(close|closed|broken)$/.test(line));
  const patient = wire.expect.some((line) => comes.test(line));
  const met = (): boolean => client.ended !== null || (whole() && !closing);
  await client.until(met, patient ? patienceMs : answerTimeoutMs);
  const ended = client.ended;
  if (!met()) {
    client.end();
    await client.until(() => client.ended !== null, patienceMs);
  }
  return ended;
}

async function run(
  stage: Stage,
  wire: WireCase,
  steps: readonly Step[],
  scripts: readonly Script[],
  cut: Cut,
): Promise<Observation & { problems: string[] }> {
  const { backend, balancer } = stage;
  backend.forget();
  backend.play(scripts, cut);
  const bytes = steps.map((step) => (typeof step === 'string' ? '' : step.send)).join('');
  const client = await RawClient.connect(balancer.port, methodsIn(bytes));
  await perform(client, steps, cut);
  const clientEnded = await settle(client, wire);
  // A tunnel has no end that could be waited for.
  if (wire.expect.some((line) => line.includes(' tunnel '))) await client.untilQuiet(50);
  // A connection is idle only after a quiet turn of the balancer's loop.
  if (wire.expect.includes('backend connection reused')) await client.untilQuiet(20);
  const responses = client.responses();
  const stillOpen = wire.expect.includes('open') && (await stage.canaryOn(client)).own;
  client.destroy();
  const canary = await stage.canary();
  const connections = stage.caseConnections();
  if (wire.expect.includes('backend connection closed')) {
    const deadline = performance.now() + 1_000;
    while (connections.some((each) => each.ended === null) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const problems = [
    ...connections.map((each) => each.problem()).filter((each) => each !== null),
    ...(client.problem() === null ? [] : [`to the client: ${client.problem()}`]),
    ...(canary.own ? [] : ['the canary did not get its own answer']),
    ...(balancer.isRunning() ? [] : ['the process has ended']),
  ];
  return {
    responses,
    interims: client.interims(),
    clientTunnel: client.tunnelled(),
    clientEnded,
    stillOpen,
    connections,
    requests: backend.requests,
    canaryWasPooled: canary.wasPooled,
    problems,
  };
}

function report(wire: WireCase, steps: readonly Step[], cut: Cut, seen: Observation): string {
  const show = (text: string): string => JSON.stringify(text.slice(0, 600));
  return [
    `${wire.file}:${wire.line} ${wire.id}, cut: ${cut}`,
    ...steps.map((step) => `  sent      ${typeof step === 'string' ? step : show(step.send)}`),
    ...seen.connections.map((each) => `  backend   ${show(each.received)} ended ${each.ended}`),
    ...[...seen.interims, ...seen.responses].map(
      (each) =>
        `  client    ${each.startLine} ${JSON.stringify(each.fields)} ${show(each.body)} ` +
        (each.complete ? 'whole' : 'incomplete'),
    ),
    `  ended     ${seen.clientEnded}`,
  ].join('\n');
}

async function check(wire: WireCase): Promise<void> {
  const wantsReuse =
    wire.backends[0].length === 0 || wire.expect.includes('backend connection reused');
  const stage = wantsReuse ? clean : hostile;
  for (const steps of wire.requests) {
    for (const scripts of wire.backends) {
      for (const cut of cuts) {
        const seen = await run(stage, wire, steps, scripts, cut);
        const wrong = wire.expect.filter((line) => !holds(line, seen)).concat(seen.problems);
        expect(wrong, report(wire, steps, cut, seen)).toEqual([]);
      }
    }
  }
}

describe('the pages', () => {
  it('have a case or a policy for every rule, each once', () => {
    const numbered = (of: Readonly<Record<string, number>>): string[] =>
      Object.entries(of).flatMap(([letters, count]) =>
        Array.from({ length: count }, (_, n) => letters + String(n + 1).padStart(2, '0')),
      );
    expect(numbered(rules)).toHaveLength(244);
    const ids = [...numbered(rules), ...numbered(further)];
    expect(cases.map((wire) => wire.id).sort()).toEqual(ids.sort());
  });

  it('use only expectations that exist', () => {
    const nothing: Observation = {
      responses: [],
      interims: [],
      clientTunnel: '',
      clientEnded: null,
      stillOpen: false,
      connections: [],
      requests: [],
      canaryWasPooled: false,
    };
    for (const wire of cases) for (const line of wire.expect) holds(line, nothing);
    expect(() => holds('status', nothing)).not.toThrow();
    expect(() => holds('stats 200', nothing)).toThrow(/not an expectation/);
    expect(Object.keys(checks).length).toBeGreaterThan(20);
  });

  it('are read as they are written', () => {
    expect(parseBytes('a\\r\\n\n{b\\x20*3}\\{{wait}c\\0{fin}')).toEqual([
      { send: 'a\r\nb b b {' },
      'wait',
      { send: 'c\0' },
      'fin',
    ]);
    expect(() => parseBytes('a{b')).toThrow();
    expect(() => parseBytes('\\q')).toThrow();
    const page = '# P\n\n## AB01: A sentence\n\nWhy.\n\n```request\nGET\n```\n';
    expect(() => parseCases('p.md', page)).toThrow('p.md:3 AB01: nothing is expected');
    expect(parseCases('p.md', `${page}\n\`\`\`expect\nstatus 400\n\`\`\`\n`)).toMatchObject([
      { id: 'AB01', sentence: 'A sentence', expect: ['status 400'] },
    ]);
    const each = page.replace('GET\n', '{each}!\n');
    const values = '\n```each\na\n$&\n```\n\n```expect\nstatus 400\n```\n';
    expect(parseCases('p.md', each + values)).toMatchObject([
      { requests: [[{ send: 'a!' }], [{ send: '$&!' }]] },
    ]);
    expect(() => parseCases('p.md', each)).toThrow('{each} without a block of values');
  });
});

const files = [...new Set(cases.map((wire) => wire.file))];

describe('on the wire', () => {
  beforeAll(async () => {
    clean = await Stage.open(config);
    hostile = await Stage.open(config);
  });

  afterAll(async () => {
    for (const stage of [clean, hostile]) {
      await stage?.close();
    }
  });

  describe.each(files)('%s', (file) => {
    for (const wire of cases.filter((each) => each.file === file && each.id.startsWith(only))) {
      if (wire.policy === null) it(`${wire.id}: ${wire.sentence}`, () => check(wire));
    }
  });
});
