/** An explanation as text: one paragraph for each verb. */
import type {
  Attempt,
  Candidate,
  Explanation,
  Logged,
  Parsed,
  Picked,
  Refused,
  Relayed,
  RequestMeaning,
  Routed,
} from './explanation.ts';

/** Colours, or none. */
interface Paints {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

const paint =
  (code: string, colour: boolean) =>
  (text: string): string =>
    colour && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;

const paints = (colour: boolean): Paints => ({
  bold: paint('1', colour),
  dim: paint('2', colour),
  good: paint('32', colour),
  bad: paint('31', colour),
});

/** The width of the verbs. */
const INDENT = 9;

/** Ends with a newline. */
export function tell(explanation: Explanation, colour: boolean): string {
  const { parse, route, pick, connect, relay, log } = explanation;
  const p = paints(colour);
  const parts: [string, readonly string[]][] = [
    ['accept', acceptLines(explanation)],
    ['parse', parseLines(parse, p)],
    ['route', route === null ? [] : routeLines(route, p)],
    ['pick', pick === null ? [] : pickLines(pick, connect, p)],
    ['connect', connect.map((attempt) => connectLine(attempt, p))],
    ['relay', relay === null ? [] : relayLines(relay, p)],
    ['log', [logLine(log, p)]],
  ];
  return parts
    .filter(([, lines]) => lines.length > 0)
    .map(([verb, lines]) => paragraph(p.bold(verb), verb.length, lines))
    .join('');
}

function paragraph(verb: string, length: number, lines: readonly string[]): string {
  const first = `${verb}${' '.repeat(INDENT - length)}`;
  const rest = ' '.repeat(INDENT);
  return lines.map((line, i) => `${(i === 0 ? first : rest) + line}\n`).join('');
}

/** Columns of the same width each, two spaces between; nothing behind the last. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
}

function acceptLines({ accept: { listener, peer, trusted, client } }: Explanation): string[] {
  const who = trusted ? `${peer}, one of trusted_proxies: the client is ${client}` : client;
  return [`listener ${listener}; ${trusted ? 'from' : 'client'} ${who}`];
}

// ---- parse ------------------------------------------------------------------------------------

function parseLines({ requestLine, facts, refused }: Parsed, p: Paints): string[] {
  if (refused !== null) return [show(requestLine), ...refusedLines(refused, p)];
  return facts === null ? [show(requestLine)] : [show(requestLine), meaningOf(facts)];
}

/** Bytes that a terminal might take for commands are shown as points. */
const show = (text: string): string => text.replace(/[^\x20-\x7e]/g, '.');

function refusedLines({ status, rule, what, byte, line, column }: Refused, p: Paints): string[] {
  const lead = Math.max(0, column - 60);
  const shown = show(line.slice(lead, lead + 80));
  return [
    p.bad(`refused with ${status}: ${rule} ${what} (byte ${byte})`),
    `  ${shown}`,
    `  ${' '.repeat(column - lead)}${p.bad('^')}`,
  ];
}

const BODIES: Readonly<Record<RequestMeaning['body'], string>> = {
  none: 'no body',
  length: 'a body of',
  chunked: 'a body in chunks',
  untilClose: 'a body until the connection closes',
};

function meaningOf({ host, body, contentLength, ...facts }: RequestMeaning): string {
  const length = body === 'length' ? ` ${contentLength} bytes` : '';
  const parts = [host === '' ? 'no host' : `host ${show(host)}`, `${BODIES[body]}${length}`];
  parts.push(facts.idempotent ? 'may be tried again' : 'is sent once (not idempotent)');
  if (facts.upgrade) parts.push('asks for a tunnel');
  if (!facts.keepAlive) parts.push('last of its connection');
  return parts.join(', ');
}

// ---- route ------------------------------------------------------------------------------------

function routeLines({ routes, limits, failure }: Routed, p: Paints): string[] {
  const rows = routes.map(({ number, hosts, path, pool, differs }) => [
    differs === null ? '>' : ' ',
    `${number}`,
    hosts.length === 0 ? 'any host' : hosts.join(', '),
    path,
    `-> ${pool}`,
    differs === null ? '' : `another ${differs}`,
  ]);
  const lines = table(rows).map((line, i) => {
    return routes[i].differs === null ? p.good(line) : p.dim(line);
  });
  for (const { limit, key } of limits) {
    const counted = key === null ? 'the request has none: not counted' : `counts ${show(key)}`;
    lines.push(`limit ${limit}: ${counted}`);
  }
  if (failure !== null) lines.push(p.bad(failure));
  return lines;
}

// ---- pick -------------------------------------------------------------------------------------

function pickLines(pick: Picked, connect: readonly Attempt[], p: Paints): string[] {
  const { policy, key, sticky, remembered, candidates, how, otherwise, next } = pick;
  const picked = connect[0]?.backend ?? null;
  const lines = [`${p.bold(policy)}: ${how}`];
  if (key !== null) lines.push(keyLine(key));
  if (sticky !== null) lines.push(...stickyLines(sticky));
  if (remembered !== null) {
    lines.push(`sticky: by ${remembered}; this is how a session begins that nobody remembers`);
  }
  lines.push(...candidateLines(candidates, picked, p));
  if (picked !== null && key !== null && key.hash !== null) {
    lines.push(`if ${picked} were down: ${otherwise ?? 'nobody'}`);
  }
  if (next.length > 0) lines.push(`more like it: ${next.join(' ')}`);
  return lines;
}

function keyLine(key: NonNullable<Picked['key']>): string {
  const { by, value, hash, place, places, owner } = key;
  if (value === null) return `key ${by}: the request has none`;
  const at = place === null ? '' : `, place ${place} of ${places} is ${owner}'s`;
  return `key ${by}: "${show(value)}", hash ${hash}${at}`;
}

function stickyLines({ cookie, home, set }: NonNullable<Picked['sticky']>): string[] {
  const lines = [
    home === null
      ? `sticky: no cookie ${cookie} names a backend of this pool`
      : `sticky: the cookie ${cookie} names ${home}`,
  ];
  if (set !== null) lines.push(`the answer sets ${set}`);
  return lines;
}

function candidateLines(
  candidates: readonly Candidate[],
  picked: string | null,
  p: Paints,
): string[] {
  const hasScores = candidates.some(({ score }) => score !== null);
  const isBusy = candidates.some(({ inFlight }) => inFlight > 0);
  const heads = [' ', 'backend', 'state', 'weight'];
  if (isBusy) heads.push('in flight');
  if (hasScores) heads.push('score');
  const rows = candidates.map(({ backend, state, weight, inFlight, score, why }) => {
    const cells = [backend === picked ? '>' : ' ', backend, state, `${weight}`];
    if (isBusy) cells.push(`${inFlight}`);
    if (hasScores) cells.push(score === null ? '-' : `${Math.round(score * 1000) / 1000}`);
    cells.push(why === null ? '' : `not picked: ${why}`);
    return cells;
  });
  const [first, ...rest] = table([heads, ...rows]);
  return [
    p.dim(first),
    ...rest.map((line, i) => {
      if (candidates[i].backend === picked) return p.good(line);
      return candidates[i].why === null ? line : p.dim(line);
    }),
  ];
}

// ---- connect, relay, log ----------------------------------------------------------------------

function connectLine(attempt: Attempt, p: Paints): string {
  const { backend, url, addresses, serverName, failure } = attempt;
  const tls = serverName === null ? '' : `, TLS for ${serverName}`;
  const end = failure === null ? '' : p.bad(`: ${failure}`);
  return `${backend} ${url} at ${addresses.join(', then ')}${tls}${end}`;
}

function relayLines({ head, left, added }: Relayed, p: Paints): string[] {
  const isNew = new Set(added);
  const lines = head.map((line) => {
    return isNew.has(line) ? p.good(`+ ${show(line)}`) : `  ${show(line)}`;
  });
  return ['to the backend:', ...lines, ...left.map((line) => p.dim(`- ${show(line)}`))];
}

function logLine({ status, pool, backend, attempts, end, cause }: Logged, p: Paints): string {
  const where = backend === null ? (pool ?? 'no pool') : `${backend} of ${pool}`;
  const tried = attempts > 1 ? `, ${attempts} attempts` : '';
  const why = cause === null ? '' : `: ${cause}`;
  if (end === 'ok') return `${status} from ${where}${tried} (every pretended backend says 200)`;
  return p.bad(`${status || 'no answer'}, ${where}${tried}, ${end}${why}`);
}
