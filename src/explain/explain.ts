/** What became of a request, and why: asked of the balancer's own code (`rehearse.ts`). */
import { formatHashKey } from '../config/balancing.ts';
import { goesByKey } from '../core/balancing/balancing.ts';
import type { Schedule } from '../core/balancing/schedule.ts';
import { placeOfKey, scores } from '../core/balancing/scores.ts';
import { toLatin1 } from '../core/base/bytes.ts';
import type { BackendConfig, PoolConfig, RateLimitConfig } from '../core/config.ts';
import { spellAddress } from '../core/control/wording.ts';
import { TrustedPeers } from '../core/http/trusted-peers.ts';
import { policyLabel } from '../core/policy-function.ts';
import { endCode } from '../core/telemetry/end-code.ts';
import type { ExchangeRecord } from '../core/telemetry/log.ts';
import type {
  Attempt,
  Candidate,
  Explanation,
  Logged,
  Parsed,
  Picked,
  PickKey,
  Refused,
  Relayed,
  Routed,
  Sticky,
} from './explanation.ts';
import { howChosen } from './how.ts';
import { type Question, Stage } from './rehearse.ts';
import { Notes } from './watched.ts';

/** More requests like it, to show where they would go. */
const NEXT = 10;

/** Of the first pick, before it changed anything. */
interface Before {
  readonly candidates: readonly Candidate[];
  readonly schedule: Schedule;
  readonly cursor: number;
}

/** Sends the request, and tells what became of it. */
export function explain(question: Question): Explanation {
  const stage = new Stage(question);
  const { config, listener, from } = question;
  let before: Before | null = null;
  const notes: Notes = new Notes((pool) => {
    before ??= lookAt(stage, poolOf(question, pool), notes);
  });
  const { record, answer } = stage.ask(notes);
  const heads = [...stage.heads];
  const accept = {
    listener: listener.address,
    peer: from,
    trusted: new TrustedPeers(config.trustedProxies).has(from),
    client: record?.client ?? from,
  };
  return {
    accept,
    parse: parsed(question, notes),
    route: routed(notes, record),
    pick: before === null ? null : picked(question, stage, notes, before, answer.head),
    connect: notes.attempts.map(({ backend, targets, failure }): Attempt => {
      const { name, url } = backend.config;
      const serverName = targets[0]?.tls?.serverName ?? null;
      const addresses = targets.map(({ address, port }) => spellAddress(address, port));
      return { backend: name, url, addresses, serverName, failure: failure?.cause ?? null };
    }),
    relay: relayed(question, heads.at(-1), record),
    log: logged(record),
  };
}

const poolOf = ({ config }: Question, name: string): PoolConfig =>
  config.pools.find((pool) => pool.name === name)!;

// ---- parse ------------------------------------------------------------------------------------

function parsed({ bytes }: Question, { meaning, refused }: Notes): Parsed {
  const text = toLatin1(bytes);
  const requestLine = text.slice(0, text.indexOf('\r\n'));
  if (refused === null) return { requestLine, facts: meaning, refused: null };
  const { refusal, at } = refused;
  return {
    requestLine,
    facts: meaning,
    refused: { ...refusal, byte: at, ...lineAround(text, at) },
  };
}

function lineAround(text: string, at: number): Pick<Refused, 'line' | 'column'> {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\r\n', at);
  return { line: text.slice(start, end === -1 ? text.length : end), column: at - start };
}

// ---- route ------------------------------------------------------------------------------------

function routed(notes: Notes, record: ExchangeRecord | null): Routed | null {
  if (notes.meaning === null) return null;
  const { routes, route, limitKeys } = notes;
  const failure = record?.failure ?? null;
  const limits = route?.rateLimits ?? [];
  return {
    routes,
    pool: route?.pool ?? null,
    limits: limits.map((limit, i) => ({ limit: formatLimit(limit), key: limitKeys[i] ?? null })),
    failure: failure?.phase === 'route' ? failure.cause : null,
  };
}

function formatLimit({ requests, periodMs, burst, key }: RateLimitConfig): string {
  const per = { 1000: 's', 60000: 'min', 3600000: 'h' }[periodMs] ?? `${periodMs}ms`;
  const by = key.kind === 'all' ? 'all' : formatHashKey(key);
  return `${requests}/${per}, ${burst} at once, by ${by}`;
}

// ---- pick -------------------------------------------------------------------------------------

function lookAt(stage: Stage, pool: PoolConfig, { key }: Notes): Before {
  const { table, engine } = stage;
  const schedule = engine.schedules.get(pool.name)!;
  const [status] = stage.status().filter(({ name }) => name === pool.name);
  const score = scores[pool.policy];
  const candidates = engine.members.get(pool.name)!.map(({ slot, config }): Candidate => {
    const { name, url, maxRequests } = config;
    const { state, why } = status.backends.find((each) => each.name === name)!;
    const inFlight = table.inFlight(slot);
    const isListed = schedule.slots.includes(slot);
    const isFull = maxRequests > 0 && inFlight >= maxRequests;
    const has = `it has ${inFlight} requests of ${maxRequests} (max_requests)`;
    const isReserve = schedule.reserve.includes(slot);
    return {
      backend: name,
      url,
      state,
      weight: isListed ? table.weight(slot) : config.weight,
      inFlight,
      score: isListed ? (score?.(slot, table, schedule, key) ?? null) : null,
      why: isListed ? (isFull ? has : null) : isReserve ? whyReserve(config) : why,
    };
  });
  return { candidates, schedule, cursor: schedule.cursor };
}

const whyReserve = ({ backup, priority }: BackendConfig): string =>
  backup
    ? 'a backup: only when nobody else can be picked'
    : `priority ${priority}: gets only what those of lower numbers cannot carry`;

function picked(
  question: Question,
  stage: Stage,
  notes: Notes,
  { candidates, schedule, cursor }: Before,
  answer: readonly string[],
): Picked {
  const pool = poolOf(question, notes.route!.pool);
  const { policy } = pool;
  const { seed } = question;
  const nameOf = (slot: number): string => stage.engine.link(slot).backend.config.name;
  const [first] = notes.attempts;
  const considered = (first?.considered ?? []).map(nameOf);
  const hasKey = notes.key >= 0;
  const home = notes.home?.config.name ?? null;
  const isHome = home !== null && first?.backend === notes.home;
  const how = howChosen({
    pool,
    schedule,
    cursor,
    hasKey,
    considered,
    seed,
    unanswered: notes.unanswered,
  });
  return {
    policy: policyLabel(policy, pool.choose),
    seed,
    key: goesByKey(policy) ? pickKey(pool, notes, schedule, nameOf) : null,
    sticky: pool.sticky?.kind === 'cookie' ? sticky(pool.sticky.cookie, home, answer) : null,
    remembered: pool.sticky?.kind === 'sessions' ? formatHashKey(pool.sticky.key) : null,
    candidates,
    considered,
    how: isHome ? 'where the client was before, by its cookie' : how,
    otherwise:
      hasKey && first !== undefined ? otherwise(question, pool, first.backend.config) : null,
    next: isHome || hasKey ? [] : nextOnes(stage),
  };
}

function pickKey(
  pool: PoolConfig,
  { key, keyValue }: Notes,
  schedule: Schedule,
  nameOf: (slot: number) => string,
): PickKey {
  const found = placeOfKey(pool.policy, schedule, key);
  return {
    by: formatHashKey(pool.hashKey),
    value: keyValue,
    hash: key < 0 ? null : key,
    place: found?.place ?? null,
    places: found?.of ?? null,
    owner: found === null ? null : nameOf(found.slot),
  };
}

function sticky(cookie: string, home: string | null, answer: readonly string[]): Sticky {
  const field = `set-cookie: ${cookie}=`;
  const line = answer.find((each) => each.toLowerCase().startsWith(field.toLowerCase()));
  return { cookie, home, set: line === undefined ? null : line.slice('set-cookie: '.length) };
}

/** Where the request goes when this backend is down. */
function otherwise(
  question: Question,
  { name: pool }: PoolConfig,
  { name }: BackendConfig,
): string | null {
  const down = [...question.down, { pool, backend: name }];
  const { record } = new Stage({ ...question, down }).ask(null);
  return record?.failure === null ? record.backend : null;
}

const nextOnes = (stage: Stage): string[] =>
  Array.from({ length: NEXT }, () => {
    const { record } = stage.ask(null);
    if (record === null) return 'nothing';
    return record.failure === null ? `${record.backend}` : `${record.status}`;
  });

// ---- relay, log -------------------------------------------------------------------------------

function relayed(
  { bytes }: Question,
  head: readonly string[] | undefined,
  record: ExchangeRecord | null,
): Relayed | null {
  if (head === undefined) return null;
  const [, ...came] = toLatin1(bytes).split('\r\n\r\n')[0].split('\r\n');
  const [, ...sent] = head;
  return {
    backend: record?.backend ?? '',
    head,
    left: without(came, sent),
    added: without(sent, came),
  };
}

/** Lines that are not among the others; however their names are written. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others.map(canonical));
  return lines.filter((line) => !known.has(canonical(line)));
}

function canonical(line: string): string {
  const colon = line.indexOf(':');
  return `${line.slice(0, colon).toLowerCase()}:${line.slice(colon + 1).trim()}`;
}

function logged(record: ExchangeRecord | null): Logged {
  if (record === null) {
    const nothing = { status: 0, pool: null, backend: null, attempts: 0, requestId: '' };
    return { ...nothing, end: 'unfinished', cause: 'the request never became whole' };
  }
  const { status, pool, backend, attempts, requestId, failure } = record;
  const end = endCode(failure);
  return { status, pool, backend, attempts, requestId, end, cause: failure?.cause ?? null };
}
