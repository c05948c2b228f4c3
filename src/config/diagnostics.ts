/**
 * What is wrong with a configuration, each thing at its place in the file: file, line, column, key,
 * what is wrong and what to write instead. All of them come at once.
 */

/** Keys and indexes from the top of the configuration: `['backends', 1, 'url']`. */
export type Path = readonly (string | number)[];

/** Where something is written. Lines and columns count from 1; columns count UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** How many characters the carets underline, on this line; 1 or more. */
  readonly length: number;
  /** The whole line, without its end. */
  readonly text: string;
}

export interface Diagnostic {
  /** As the user named it; empty when there is no file. */
  readonly file: string;
  /** null: the configuration has no text, or the complaint is about the whole of it. */
  readonly place: Place | null;
  /** `backends[1].url`; empty: the whole configuration. */
  readonly key: string;
  /** One line: what is wrong, and what to write instead. */
  readonly message: string;
}

export type PlaceOf = (path: Path, part: 'key' | 'value') => Place | null;

/** How a path is written for people: `pools.api.backends[0].url`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Collects diagnostics; says one thing about one path, the first. */
export class Report {
  private readonly file: string;
  private readonly placeOf: PlaceOf;
  private readonly found: Diagnostic[] = [];
  private readonly keys = new Set<string>();
  private readonly silenced: Path[] = [];

  constructor(file: string, placeOf: PlaceOf = () => null) {
    this.file = file;
    this.placeOf = placeOf;
  }

  /** Complains about `path`, and underlines its value or its key. */
  add(path: Path, message: string, part: 'key' | 'value' = 'value'): void {
    if (this.silenced.some((quiet) => quiet.every((step, i) => path[i] === step))) return;
    this.addAt(this.placeOf(path, part), formatPath(path), message);
  }

  /** Complains about a place that is no value of the configuration: a syntax error. */
  addAt(place: Place | null, key: string, message: string): void {
    const identity = place === null || key !== '' ? key : `${place.line}`;
    if (this.keys.has(identity)) return;
    this.keys.add(identity);
    this.found.push({ file: this.file, place, key, message });
  }

  /** Hears no more about this path and what is below it: its value is not known. */
  silence(path: Path): void {
    this.silenced.push(path);
  }

  /** ` on line 4`, or nothing when there are no lines. */
  onLine(path: Path): string {
    const place = this.placeOf(path, 'value');
    return place === null ? '' : ` on line ${place.line}`;
  }

  /** In the order of the file. */
  get diagnostics(): readonly Diagnostic[] {
    const line = (d: Diagnostic): number => d.place?.line ?? 0;
    const column = (d: Diagnostic): number => d.place?.column ?? 0;
    return [...this.found].sort((a, b) => line(a) - line(b) || column(a) - column(b));
  }
}

/** The diagnostics as text for a terminal, without a newline at the end. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(formatDiagnostic).join('\n');
}

function formatDiagnostic({ file, place, key, message }: Diagnostic): string {
  const where = place === null ? file : `${file}:${place.line}:${place.column}`;
  const head = [where, key].filter((part) => part !== '').join(' ');
  const first = printable(head === '' ? message : `${head}: ${message}`);
  return place === null ? first : `${first}\n${codeFrame(place)}`;
}

/** Longer lines are cut around the carets. */
const FRAME_WIDTH = 100;

function codeFrame({ line, column, length, text }: Place): string {
  const from = text.length <= FRAME_WIDTH ? 0 : Math.max(0, column - 1 - 40);
  const window = text.slice(from, from + FRAME_WIDTH);
  const shown = `${from > 0 ? '...' : ''}${window}${from + FRAME_WIDTH < text.length ? '...' : ''}`;
  const before = (from > 0 ? '...' : '') + text.slice(from, column - 1);
  const marked = window.slice(column - 1 - from, column - 1 - from + length);
  // A tab stays a tab, so that the carets stand below what they mean at every tab width.
  const indent = [...before].map((character) => (character === '\t' ? '\t' : ' ')).join('');
  const carets = '^'.repeat(Math.max(1, [...marked].length));
  const label = String(line);
  const gutter = ' '.repeat(label.length);
  return `    ${label} | ${printable(shown)}\n    ${gutter} | ${indent}${carets}`;
}

/** Control characters could command the terminal; tabs are harmless. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** A value as a message quotes it: short, on one line. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}

/** `; did you mean "weight"?`, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const nearest = nearestOf(word, candidates);
  return nearest === null ? '' : `; did you mean ${show(nearest)}?`;
}

/** The candidate that `word` was probably meant to be; null when none is near, or several. */
export function nearestOf(word: string, candidates: readonly string[]): string | null {
  const given = plain(word);
  const alike = candidates.find((candidate) => plain(candidate) === given);
  if (alike !== undefined) return alike;
  const series = candidates.filter((each) => numberless(plain(each)) === numberless(given));
  if (series.length > 1) return null;
  const allowed = Math.max(1, Math.floor(word.length / 3));
  let nearest: string | null = null;
  let least = allowed + 1;
  for (const candidate of candidates) {
    if (begins(plain(candidate), given)) return candidate;
    const distance = editDistance(word, candidate);
    if (distance < least && distance < candidate.length) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** One and many are the same: `retry` and `retries`. */
const plain = (text: string): string =>
  text.toLowerCase().replace(/[-_ ]/g, '').replace(/ies$/, 'y').replace(/s$/, '');

/** Of `server-1` and `server-2` neither is nearer to `server-9`. */
const numberless = (text: string): string => text.replace(/\d+/g, '');

/** `warn` and `warning`, `drain` and `drain_timeout`. */
const begins = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= 4 && (a.startsWith(b) || b.startsWith(a));

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], twoAbove[j - 2] + 1);
      }
    }
    twoAbove = above;
    above = row;
  }
  return above[b.length];
}
