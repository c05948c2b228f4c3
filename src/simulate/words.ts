/** Numbers, times and events of a simulation as people read them. */
import type { Scenario, ScenarioEvent, Service } from './scenario.ts';

const DAY_MS = 86_400_000;

/** Three digits: `0.52 ms`, `13.8 ms`, `226 ms`, `8.29 s`; `-` for nothing. */
export function spellLatency(ms: number): string {
  if (ms === 0) return '-';
  return ms < 999.5 ? `${threeDigits(ms)} ms` : `${threeDigits(ms / 1000)} s`;
}

/** As many decimals as three digits leave room for, two at most. */
export function threeDigits(value: number): string {
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return grouped(value.toFixed(decimals));
}

/** `12,345`. */
export const spellCount = (count: number): string => grouped(count.toFixed(0));

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** Of 0 to 1: `0.02 %`, `33.3 %`; a few of many are never none. */
export function spellShare(share: number): string {
  if (share > 0 && share < 0.00005) return '< 0.01 %';
  const percent = share * 100;
  return `${percent.toFixed(percent < 9.995 ? 2 : 1)} %`;
}

/** When something happens: `12:00:00` by the clock, else `2m 30s` since the traffic began. */
export function spellTime(atMs: number, startsAtMs: number | null): string {
  if (startsAtMs === null) return spellSince(atMs);
  const ofDay = (((startsAtMs + atMs) % DAY_MS) + DAY_MS) % DAY_MS;
  const seconds = Math.floor(ofDay / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map(two)
    .join(':');
}

/** `0s`, `2m`, `2m 30s`, `1.5s`. */
function spellSince(ms: number): string {
  if (ms < 0) return `-${spellSince(-ms)}`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.round((ms % 60_000) / 100) / 10;
  if (minutes === 0) return `${seconds}s`;
  return seconds === 0 ? `${minutes}m` : `${minutes}m ${seconds}s`;
}

/** `5 ms, exponential, 4 at once`. */
export function spellService({ meanMs, distribution, concurrency, errors }: Service): string {
  const many = Number.isFinite(concurrency) ? String(concurrency) : 'any number';
  const failing = errors > 0 ? `, ${spellShare(errors)} errors` : '';
  return `${spellLatency(meanMs)}, ${distribution}, ${many} at once${failing}`;
}

/** `server-3 takes 5 times as long`. */
export function spellEvent(event: ScenarioEvent): string {
  switch (event.kind) {
    case 'slower':
      return event.factor === 1
        ? `${event.backend} is as fast as before`
        : `${event.backend} takes ${event.factor} times as long`;
    case 'down':
      return `${event.backend} ${event.isDown ? 'goes down' : 'is back'}`;
    case 'hangs':
      return `${event.backend} ${event.hangs ? 'hangs' : 'goes on'}`;
    case 'errors':
      return `${event.backend} fails ${spellShare(event.share)}`;
    case 'drain':
      return `${event.backend} is drained`;
    case 'member':
      return `${event.backend} is ${event.isIn ? 'added' : 'removed'}`;
    case 'reload':
      return `reload of ${event.file}`;
    case 'rate':
      return `${threeDigits(event.perSecond)} requests/s`;
  }
}

/** What comes. */
export function spellTraffic({ traffic, keys, durationMs }: Scenario): string {
  const lasts = `for ${spellSince(durationMs)}`;
  if (traffic.kind === 'closed') {
    const think = traffic.thinkMs === 0 ? 'do not think' : `think ${spellLatency(traffic.thinkMs)}`;
    return `${spellCount(traffic.clients)} clients that ${think}, ${lasts}`;
  }
  if (traffic.kind === 'replay') {
    const { length } = traffic.timesMs;
    const requests = `${spellCount(length)} recorded request${length === 1 ? '' : 's'}`;
    const clients = `${spellCount(keys.count)} client${keys.count === 1 ? '' : 's'}`;
    return `${requests} of ${clients}, ${lasts}`;
  }
  return `${threeDigits(traffic.perSecond)} requests/s, ${traffic.arrivals} arrivals, ${lasts}`;
}
