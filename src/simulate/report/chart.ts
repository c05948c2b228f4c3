/** A chart of lines over time as SVG, with its legend; values are there for the pointer, too. */
import { ln } from '../../core/base/math.ts';
import { spellLatency, spellShare, spellTime, threeDigits } from '../words.ts';
import { type Axis, linearAxis, logAxis, timeTicks } from './scale.ts';

/** What values are, and how they are written. */
export type Unit = 'latency' | 'share' | 'count';

export interface Line {
  readonly name: string;
  /** Which colour: 0 and up. */
  readonly colour: number;
  /** One for each bucket; 0 of a latency: there is none. */
  readonly values: readonly number[];
}

/** What all charts of a page have in common. */
export interface TimeFrame {
  readonly durationMs: number;
  readonly bucketMs: number;
  readonly startsAtMs: number | null;
  /** Vertical marks. */
  readonly marks: readonly { readonly atMs: number; readonly text: string }[];
}

export interface Chart {
  readonly title: string;
  readonly unit: Unit;
  readonly lines: readonly Line[];
  /** The axis goes up to this at least, so that charts beside each other can be compared. */
  readonly most?: number;
  /** As wide as the page, with words at the marks. */
  readonly isWide: boolean;
}

interface Box {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const WIDE: Box = { width: 1120, height: 380, left: 64, right: 34, top: 46, bottom: 34 };
const SMALL: Box = { width: 550, height: 250, left: 64, right: 32, top: 12, bottom: 34 };
/** Words at marks stand in so many rows, that neighbours do not cover each other. */
const MARK_ROWS = 3;
/** Colours there are; beyond, lines are dashed. */
const COLOURS = 8;
const MOST_TIME_TICKS = { wide: 12, small: 6 } as const;

/** How a value is written at an axis and at the pointer. */
export function spellValue(value: number, unit: Unit): string {
  if (unit === 'latency') return spellLatency(value);
  return unit === 'share' ? spellShare(value) : threeDigits(value);
}

/** At an axis: `50 ms`, `20 %`, `1,000`. */
function spellTick(value: number, unit: Unit): string {
  if (unit === 'count') return value >= 1 ? threeDigits(value).replace(/\.0+$/, '') : String(value);
  if (unit === 'share') return `${Number((value * 100).toPrecision(6))} %`;
  return value >= 1000 ? `${value / 1000} s` : `${value} ms`;
}

/** A part of a page. */
export function chartHtml(chart: Chart, frame: TimeFrame): string {
  const box = chart.isWide ? WIDE : SMALL;
  const axis = axisOf(chart);
  const body = [
    ...gridOf(chart, axis, frame, box),
    ...marksOf(chart, frame, box),
    ...chart.lines.map((line) => pathOf(line, chart.unit, axis, frame, box)),
  ];
  const label = `${chart.title}: ${chart.lines.map(({ name }) => name).join(', ')}`;
  return (
    `<figure class="${chart.isWide ? 'wide' : 'small'}"><figcaption>${escaped(chart.title)}` +
    `</figcaption>\n${legendOf(chart)}` +
    `<svg viewBox="0 0 ${box.width} ${box.height}" role="img" aria-label="${escaped(label)}">\n` +
    `${body.join('\n')}\n<line class="guide" y1="${box.top}" y2="${box.height - box.bottom}"/>` +
    `</svg>\n<script type="application/json">${pointerData(chart, frame, box)}</script></figure>`
  );
}

function axisOf({ unit, lines, most: least = 0 }: Chart): Axis {
  const values = lines.flatMap((line) => line.values);
  const most = values.reduce((a, b) => Math.max(a, b), least);
  if (unit !== 'latency') return linearAxis(most);
  const positive = values.filter((value) => value > 0);
  const lowest = positive.reduce((a, b) => Math.min(a, b), most);
  return positive.length === 0 ? linearAxis(1) : logAxis(lowest, most, ln);
}

const xOf = (part: number, { left, right, width }: Box): number =>
  left + part * (width - left - right);

const yOf = (part: number, { top, bottom, height }: Box): number =>
  height - bottom - part * (height - top - bottom);

const px = (value: number): string => String(Math.round(value * 10) / 10);

function gridOf({ unit, isWide }: Chart, axis: Axis, frame: TimeFrame, box: Box): string[] {
  const { durationMs, startsAtMs } = frame;
  const right = box.width - box.right;
  const rows = axis.ticks.map((tick) => {
    const y = px(yOf(axis.at(tick), box));
    return (
      `<line class="grid" x1="${box.left}" x2="${right}" y1="${y}" y2="${y}"/>` +
      `<text class="y" x="${box.left - 8}" y="${y}" dy=".35em">${spellTick(tick, unit)}</text>`
    );
  });
  const most = MOST_TIME_TICKS[isWide ? 'wide' : 'small'];
  const base = box.height - box.bottom;
  const columns = timeTicks(durationMs, startsAtMs, most).map((atMs) => {
    const x = px(xOf(atMs / durationMs, box));
    return (
      `<line class="tick" x1="${x}" x2="${x}" y1="${base}" y2="${base + 5}"/>` +
      `<text class="x" x="${x}" y="${base + 20}">${spellTime(atMs, startsAtMs)}</text>`
    );
  });
  const line = `<line class="axis" x1="${box.left}" x2="${right}" y1="${base}" y2="${base}"/>`;
  return [...rows, ...columns, line];
}

function marksOf({ isWide }: Chart, { marks, durationMs }: TimeFrame, box: Box): string[] {
  return marks.map(({ atMs, text }, index) => {
    const part = atMs / durationMs;
    const x = xOf(part, box);
    const y = isWide ? 12 + (index % MARK_ROWS) * 14 : box.top;
    const isLate = part > 0.6;
    const words =
      `<text class="${isLate ? 'mark late' : 'mark'}" x="${px(x + (isLate ? -6 : 6))}" ` +
      `y="${y}" dy=".35em">${escaped(text)}</text>`;
    return (
      `<line class="mark" x1="${px(x)}" x2="${px(x)}" y1="${isWide ? y - 6 : y}" ` +
      `y2="${box.height - box.bottom}"/>${isWide ? words : ''}`
    );
  });
}

function pathOf(line: Line, unit: Unit, axis: Axis, frame: TimeFrame, box: Box): string {
  const { bucketMs, durationMs } = frame;
  let path = '';
  let isDrawing = false;
  line.values.forEach((value, bucket) => {
    if (unit === 'latency' && value === 0) {
      isDrawing = false;
      return;
    }
    const x = px(xOf(Math.min(1, ((bucket + 0.5) * bucketMs) / durationMs), box));
    path += `${isDrawing ? 'L' : 'M'}${x} ${px(yOf(axis.at(value), box))}`;
    isDrawing = true;
  });
  return `<path class="${colourClass(line.colour)}" d="${path}"/>`;
}

/** `s0` to `s7`, and the same dashed. */
export const colourClass = (colour: number): string =>
  `s${colour % COLOURS}${colour >= COLOURS ? ' dashed' : ''}`;

function legendOf({ lines }: Chart): string {
  const items = lines.map(({ name, colour }) => {
    return `<li><i class="${colourClass(colour)}"></i>${escaped(name)}</li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>\n`;
}

/** For the script of the page: where the values are, and how they are written. */
function pointerData({ unit, lines }: Chart, frame: TimeFrame, box: Box): string {
  const { bucketMs, durationMs, startsAtMs } = frame;
  const buckets = lines[0]?.values.length ?? 0;
  const times = Array.from({ length: buckets }, (_, n) => spellTime(n * bucketMs, startsAtMs));
  const data = {
    left: box.left,
    right: box.right,
    width: box.width,
    part: bucketMs / durationMs,
    times,
    lines: lines.map(({ name, colour, values }) => ({
      name,
      colour: colourClass(colour),
      values: values.map((value) => spellValue(value, unit)),
    })),
  };
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

/** Text as it may stand in HTML, also within quotes. */
export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
