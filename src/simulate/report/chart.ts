/** A chart of lines over time as SVG, with its legend; values are there for the pointer, too. */
import { ln } from '../../core/base/math.ts';
import { spellLatency, spellShare, spellTime, threeDigits } from '../words.ts';
import { LABEL_GAP, type Label, labelRows } from './marks.ts';
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
/** Room for so many rows of words at marks is there in any case. */
const LEAST_ROWS = 3;
const ROW_HEIGHT = 14;
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
  const labels = chart.isWide ? labelsOf(frame) : [];
  const rows = labelRows(labels);
  const box = chart.isWide ? withRows(WIDE, rows) : SMALL;
  const axis = axisOf(chart);
  const body = [
    ...gridOf(chart, axis, frame, box),
    ...(chart.isWide ? wordyMarks(labels, rows, box) : marksOf(frame, box)),
    ...chart.lines.map((line) => pathOf(line, chart.unit, axis, frame, box)),
  ];
  const label = `${chart.title}: ${chart.lines.map(({ name }) => name).join(', ')}`;
  const data = pointerData(chart, frame, box);
  return (
    `<figure class="${chart.isWide ? 'wide' : 'small'}"><figcaption>${escaped(chart.title)}` +
    `</figcaption>\n${legendOf(chart)}` +
    '<div class="chart">' +
    `<svg viewBox="0 0 ${box.width} ${box.height}" role="img" aria-label="${escaped(label)}">\n` +
    `${body.join('\n')}\n<line class="guide" y1="${box.top}" y2="${box.height - box.bottom}"/>` +
    `</svg></div>\n<script type="application/json">${data}</script></figure>`
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

/** Words at marks of the right part stand left of them. */
function labelsOf({ marks, durationMs }: TimeFrame): Label[] {
  return marks.map(({ atMs, text }) => {
    const part = atMs / durationMs;
    return { x: xOf(part, WIDE), text, isLeft: part > 0.6 };
  });
}

/** Higher, where there are more rows than it has room for. */
function withRows(box: Box, rows: readonly number[]): Box {
  const more = Math.max(LEAST_ROWS - 1, ...rows) + 1 - LEAST_ROWS;
  return { ...box, height: box.height + more * ROW_HEIGHT, top: box.top + more * ROW_HEIGHT };
}

function wordyMarks(labels: readonly Label[], rows: readonly number[], box: Box): string[] {
  return labels.map(({ x, text, isLeft }, index) => {
    const y = 12 + rows[index]! * ROW_HEIGHT;
    return (
      `${markLine(x, y - 6, box)}<text class="${isLeft ? 'mark late' : 'mark'}" ` +
      `x="${px(x + (isLeft ? -LABEL_GAP : LABEL_GAP))}" y="${y}" dy=".35em">${escaped(text)}</text>`
    );
  });
}

const marksOf = ({ marks, durationMs }: TimeFrame, box: Box): string[] =>
  marks.map(({ atMs }) => markLine(xOf(atMs / durationMs, box), box.top, box));

const markLine = (x: number, y: number, { height, bottom }: Box): string =>
  `<line class="mark" x1="${px(x)}" x2="${px(x)}" y1="${y}" y2="${height - bottom}"/>`;

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
