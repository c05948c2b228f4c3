/** What can be typed instead of a scenario file, as the file would say it. */
import { show } from '../config/diagnostics.ts';

/** As commander gives them: each as it was typed. */
export interface SimulateFlags {
  readonly scenario?: string;
  readonly rate?: string;
  readonly clients?: string;
  readonly think?: string;
  readonly replay?: string;
  readonly for?: string;
  readonly start?: string;
  readonly service?: string;
  readonly concurrency?: string;
  readonly slow?: readonly string[];
  readonly down?: readonly string[];
  readonly policies?: string;
  readonly pool?: string;
  readonly seed?: string;
  readonly report?: string;
}

/** Where in a scenario each flag has its place. */
const PLACES: Readonly<Record<string, string>> = {
  'traffic.rate': '--rate',
  'traffic.clients': '--clients',
  'traffic.think': '--think',
  'traffic.replay': '--replay',
  'traffic.for': '--for',
  'traffic.start': '--start',
  'service.time': '--service',
  'service.concurrency': '--concurrency',
  pool: '--pool',
  seed: '--seed',
  policies: '--policies',
};

/** The flag that a key of the scenario came from. `events`: as they were typed. */
export function flagOf(key: string, events: readonly string[]): string {
  const event = /^events\[(\d+)\]/.exec(key);
  if (event !== null) return events[Number(event[1])] ?? key;
  const found = Object.keys(PLACES).find((place) => key === place || key.startsWith(`${place}[`));
  return found === undefined ? key : PLACES[found];
}

/**
 * The scenario that they describe, unchecked, and with each event what was typed; or what is wrong
 * with one of them.
 */
export function scenarioOf(
  flags: SimulateFlags,
): { value: object; typed: readonly string[] } | { problem: string } {
  const events: object[] = [];
  const typed: string[] = [];
  for (const [flag, given] of [
    ...(flags.slow ?? []).map((each) => ['--slow', each]),
    ...(flags.down ?? []).map((each) => ['--down', each]),
  ]) {
    const made = flag === '--slow' ? slowEvents(given) : downEvents(given);
    if (made === null) return { problem: `${flag}: ${show(given)} ${REMEDIES[flag]}` };
    events.push(...made);
    typed.push(...made.map(() => `${flag} ${given}`));
  }
  const { rate, clients, think, replay, for: lasts, start, service, concurrency } = flags;
  return {
    value: given({
      pool: flags.pool,
      policies: flags.policies?.split(',').map((each) => each.trim()),
      seed: number(flags.seed),
      traffic: given({ rate, clients: number(clients), think, replay, for: lasts, start }),
      service: given({ time: service, concurrency: number(concurrency) }),
      events: events.length === 0 ? undefined : events,
    }),
    typed,
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  '--slow': 'does not say who gets how slow when; write server-3=5x@2m, or server-3=5x@2m-4m',
  '--down': 'does not say who is down when; write server-3@2m, or server-3@2m-4m',
};

const WHEN = '@([^@-]+)(?:-([^@-]+))?$';
const SLOW = new RegExp(`^(.+)=(\\d+(?:\\.\\d+)?)x?${WHEN}`);
const DOWN = new RegExp(`^(.+)${WHEN}`);

function slowEvents(text: string): object[] | null {
  const [, backend, factor, at, until] = SLOW.exec(text) ?? [];
  if (backend === undefined) return null;
  const slow = { at, backend, slower: Number(factor) };
  return until === undefined ? [slow] : [slow, { at: until, backend, slower: 1 }];
}

function downEvents(text: string): object[] | null {
  const [, backend, at, until] = DOWN.exec(text) ?? [];
  if (backend === undefined) return null;
  const down = { at, backend, down: true };
  return until === undefined ? [down] : [down, { at: until, backend, down: false }];
}

/** A number if it is one: what is not is refused as what it is. */
const number = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : text;

const given = (values: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
