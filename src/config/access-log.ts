/** An access log of ours (docs/log.md) as traffic that comes again. */
import { show } from './diagnostics.ts';
import type { Parsed } from './quantities.ts';

/** When requests came, since the first of them, and from whom; in order. */
export interface Recorded {
  readonly timesMs: Float64Array;
  /** For each request, the number of its client. */
  readonly keys: Int32Array;
  readonly clients: number;
}

interface Line {
  readonly atMs: number;
  readonly client: string;
}

/** Reads JSON lines; those of events are passed over. `shown`: what messages call the file. */
export function readAccessLog(text: string, shown: string): Parsed<Recorded> {
  const lines: Line[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number++;
    if (line.trim() === '') continue;
    const read = readLine(line);
    if (read === undefined) {
      const what = `line ${number} of ${shown} is no JSON of an access log: ${show(line)}`;
      return { problem: `${what}; set log: {format: json} where it is written` };
    }
    if (read !== null) lines.push(read);
  }
  if (lines.length === 0) return { problem: `${shown} has no line of a request` };
  // Lines are written when requests end.
  lines.sort((a, b) => a.atMs - b.atMs);
  const clients = new Map<string, number>();
  for (const { client } of lines) if (!clients.has(client)) clients.set(client, clients.size);
  return {
    value: {
      timesMs: Float64Array.from(lines, ({ atMs }) => atMs - lines[0].atMs),
      keys: Int32Array.from(lines, ({ client }) => clients.get(client)!),
      clients: clients.size,
    },
  };
}

/** Null: it is about something else; undefined: it is not readable. */
function readLine(line: string): Line | null | undefined {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (value.event !== 'exchange') return null;
  const atMs = Date.parse(String(value.time));
  return Number.isNaN(atMs) ? undefined : { atMs, client: String(value.client) };
}
