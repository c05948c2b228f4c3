/** Where values lie on an axis, and which of them are written beside it. */

export interface Axis {
  /** 0: the low end, 1: the high end; what is beyond is drawn at the end. */
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

const clamp = (part: number): number => Math.max(0, Math.min(1, part));

/** From 0 to a round number at or above `most`, with about five ticks. */
export function linearAxis(most: number): Axis {
  const step = roundUp((most > 0 ? most : 1) / 5);
  const count = Math.max(1, Math.ceil((most > 0 ? most : 1) / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, n) => round(n * step));
  return { at: (value) => clamp(value / (step * count)), ticks };
}

/** 1, 2 or 5 times a power of ten, at or above `value`. */
export function roundUp(value: number): number {
  let unit = 1;
  while (unit > value) unit /= 10;
  while (unit * 10 <= value) unit *= 10;
  const times = [1, 2, 5].find((each) => each * unit >= value * (1 - 1e-9));
  return round((times ?? 10) * unit);
}

/** Without what division leaves behind the twelfth digit. */
const round = (value: number): number => Number(value.toPrecision(12));

/** With more of them on a logarithmic axis, powers of ten alone are written. */
const MOST_TICKS = 12;

/** Each doubling takes as much room: for what spans orders of magnitude. `least`: above 0. */
export function logAxis(least: number, most: number, ln: (x: number) => number): Axis {
  let low = 1;
  while (low > least) low /= 10;
  while (low * 10 <= least) low *= 10;
  const low125 = [5, 2, 1].find((each) => each * low <= least * (1 + 1e-9)) ?? 1;
  const bottom = round(low125 * low);
  const top = Math.max(roundUp(most), round(bottom * 10));
  const span = ln(top / bottom);
  const ticks: number[] = [];
  for (let unit = low; unit <= top; unit *= 10) {
    for (const times of [1, 2, 5]) {
      const tick = round(times * unit);
      if (tick >= bottom && tick <= top) ticks.push(tick);
    }
  }
  const isWide = ticks.length > MOST_TICKS;
  return {
    at: (value) => (value <= 0 ? 0 : clamp(ln(value / bottom) / span)),
    ticks: isWide ? ticks.filter(isPowerOfTen) : ticks,
  };
}

function isPowerOfTen(value: number): boolean {
  let unit = 1;
  while (unit > value * (1 + 1e-9)) unit /= 10;
  while (unit * 10 <= value * (1 + 1e-9)) unit *= 10;
  return round(unit) === round(value);
}

const TIME_STEPS_S = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
  1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
];

/**
 * Round times within a duration, at most `most` of them: milliseconds since the beginning. By the
 * clock, if it begins at a time of day.
 */
export function timeTicks(durationMs: number, startsAtMs: number | null, most: number): number[] {
  const steps = TIME_STEPS_S.map((seconds) => seconds * 1000);
  const step = steps.find((each) => durationMs / each <= most) ?? steps[steps.length - 1];
  const from = startsAtMs === null ? 0 : Math.ceil(startsAtMs / step) * step - startsAtMs;
  const ticks: number[] = [];
  for (let atMs = from; atMs <= durationMs; atMs += step) ticks.push(round(atMs));
  return ticks;
}
