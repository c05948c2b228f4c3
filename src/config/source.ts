/**
 * YAML text to a plain value, with the place of every key and value in the text. Syntax errors,
 * keys given twice and variables that are not set go to the report.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { formatPath, type Path, type Place, Report, show } from './diagnostics.ts';
import { type Environment, expand, retype } from './environment.ts';

export interface Source {
  /** Plain lists, mappings without a prototype, and scalars. */
  readonly value: unknown;
  /** False: the text is not YAML, so there is nothing more to say about it. */
  readonly readable: boolean;
  readonly report: Report;
}

/** From and to, as offsets in the text. */
type Range = readonly [number, number];

interface Ranges {
  readonly key: Range | null;
  readonly value: Range;
}

/** More values than any configuration has; aliases of aliases could make billions of them. */
const MOST_VALUES = 1_000_000;

/** Reads the text of the file that the user calls `file`. */
export function readSource(text: string, file: string, environment: Environment): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const toPlace = (range: Range): Place => placeOf(text, lines, range);
  const ranges = new Map<string, Ranges>();
  const report = new Report(file, (path, part) => lookUp(ranges, path, part, toPlace));
  const broken = reportSyntax(text, document, report, toPlace);
  if (broken) return { value: null, readable: false, report };
  const reader = new Reader(document, ranges, report, environment, toPlace);
  const value = document.contents === null ? null : reader.read(document.contents, [], null);
  return { value, readable: true, report };
}

/** The nearest thing above that is written, when the path itself is not. */
function lookUp(
  ranges: ReadonlyMap<string, Ranges>,
  path: Path,
  part: 'key' | 'value',
  toPlace: (range: Range) => Place,
): Place | null {
  const found = ranges.get(formatPath(path));
  if (found !== undefined) {
    return toPlace(part === 'key' && found.key !== null ? found.key : found.value);
  }
  for (let length = path.length - 1; length > 0; length--) {
    const above = ranges.get(formatPath(path.slice(0, length)));
    if (above !== undefined) return toPlace(above.key ?? above.value);
  }
  return null;
}

/** A range that goes on over several lines is underlined on its first. */
function placeOf(text: string, lines: LineCounter, [from, to]: Range): Place {
  const { line, col } = lines.linePos(Math.min(from, text.length));
  const start = lines.lineStarts[line - 1] ?? 0;
  const end = text.indexOf('\n', start);
  const whole = text.slice(start, end === -1 ? undefined : end).replace(/\r$/, '');
  const shown = whole.slice(col - 1, col - 1 + Math.max(1, to - from)).replace(/\s+(#.*)?$/, '');
  return { line, column: col, length: Math.max(1, shown.length), text: whole };
}

class Reader {
  private readonly document: Document;
  private readonly ranges: Map<string, Ranges>;
  private readonly report: Report;
  private readonly environment: Environment;
  private readonly toPlace: (range: Range) => Place;
  private readonly open: Node[] = [];
  private values = 0;

  constructor(
    document: Document,
    ranges: Map<string, Ranges>,
    report: Report,
    environment: Environment,
    toPlace: (range: Range) => Place,
  ) {
    this.document = document;
    this.ranges = ranges;
    this.report = report;
    this.environment = environment;
    this.toPlace = toPlace;
  }

  read(node: unknown, path: Path, key: Range | null): unknown {
    const target = isAlias(node) ? node.resolve(this.document) : (node as Node | null);
    const range = rangeOf(target) ?? rangeOf(node) ?? key ?? [0, 0];
    this.ranges.set(formatPath(path), {
      key,
      value: range[0] === range[1] ? (key ?? range) : range,
    });
    if (isAlias(node) && target === undefined) {
      return this.refuse(path, `there is no anchor &${node.source} before this; define it first`);
    }
    if (target === null || target === undefined) return null;
    if (this.open.includes(target)) return this.refuse(path, 'an anchor contains itself');
    if (++this.values > MOST_VALUES) return this.refuse([], 'the aliases expand without end');
    this.open.push(target);
    const value = this.readNode(target, path);
    this.open.pop();
    return value;
  }

  private refuse(path: Path, message: string): null {
    this.report.add(path, message);
    this.report.silence(path);
    return null;
  }

  private readNode(node: Node, path: Path): unknown {
    if (isSeq(node)) return node.items.map((item, i) => this.read(item, [...path, i], null));
    if (isMap(node)) return this.readMap(node, path);
    if (!isScalar(node) || typeof node.value !== 'string')
      return isScalar(node) ? node.value : null;
    if (!node.value.includes('${')) return node.value;
    const { text, problems } = expand(node.value, this.environment);
    if (problems.length > 0) return this.refuse(path, problems.join('; ')) ?? node.value;
    return node.type === Scalar.PLAIN ? retype(text) : text;
  }

  private readMap(map: YAMLMap, path: Path): Record<string, unknown> {
    const value: Record<string, unknown> = Object.create(null);
    const merged: Pair[] = [];
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? pair.key : null;
      if (key?.value === '<<' && key.type === Scalar.PLAIN) {
        merged.push(...this.pairsOf(pair.value, [...path, '<<'], rangeOf(key)));
      } else this.readPair(pair, path, value);
    }
    for (const pair of merged) {
      if (!(keyText(pair) in value)) this.readPair(pair, path, value);
    }
    return value;
  }

  private readPair(pair: Pair, path: Path, into: Record<string, unknown>): void {
    const range = rangeOf(pair.key);
    const name = keyText(pair);
    if (isScalar(pair.key) && pair.key.value !== null) {
      into[name] = this.read(pair.value, [...path, name], range);
    } else {
      this.report.addAt(range === null ? null : this.toPlace(range), formatPath(path), BAD_KEY);
    }
  }

  /** The pairs that a merge key `<<` brings: those of a mapping, or of a list of mappings. */
  private pairsOf(node: unknown, path: Path, key: Range | null): Pair[] {
    const target = isAlias(node) ? node.resolve(this.document) : node;
    if (isMap(target) && !this.open.includes(target)) return target.items;
    if (isSeq(target)) return target.items.flatMap((item) => this.pairsOf(item, path, key));
    const place = key === null ? null : this.toPlace(key);
    this.report.addAt(place, formatPath(path), 'merges only mappings; write <<: *ANCHOR');
    return [];
  }
}

const BAD_KEY = 'a key is a plain word; quote it if it is meant to hold special characters';

const keyText = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key);

function rangeOf(node: unknown): Range | null {
  const range = (node as Node | null | undefined)?.range;
  return range ? [range[0], range[1]] : null;
}

/** True when the text cannot be understood; a key given twice can. */
function reportSyntax(
  text: string,
  document: Document.Parsed,
  report: Report,
  toPlace: (range: Range) => Place,
): boolean {
  for (const error of [...document.errors, ...document.warnings]) {
    const isTwice = error.code === 'DUPLICATE_KEY';
    const message = isTwice ? twice(text, document, error, toPlace) : syntaxWords(text, error);
    const [from, to] = error.pos;
    report.addAt(toPlace([from, isTwice ? wordEnd(text, from) : to]), '', message);
  }
  return document.errors.some((error) => error.code !== 'DUPLICATE_KEY');
}

function wordEnd(text: string, from: number): number {
  const match = /^("[^"]*"|'[^']*'|[^:\s]+)/.exec(text.slice(from, from + 200));
  return from + (match?.[0].length ?? 1);
}

function twice(
  text: string,
  document: Document,
  error: YAMLError,
  toPlace: (range: Range) => Place,
): string {
  const [from] = error.pos;
  const name = text.slice(from, wordEnd(text, from)).replace(/^["']|["']$/g, '');
  const first = firstKey(document.contents, from, name);
  const where = first === null ? '' : `; the first is on line ${toPlace(first).line}`;
  return `the key ${show(name)} is here twice${where}; remove or rename one`;
}

/** The first pair called `name` in the mapping that has another pair whose key begins at `from`. */
function firstKey(node: unknown, from: number, name: string): Range | null {
  if (isSeq(node)) {
    return node.items.reduce<Range | null>(
      (found, item) => found ?? firstKey(item, from, name),
      null,
    );
  }
  if (!isMap(node)) return null;
  if (node.items.some((pair) => rangeOf(pair.key)?.[0] === from)) {
    return rangeOf(node.items.find((pair) => keyText(pair) === name)?.key);
  }
  return node.items.reduce<Range | null>(
    (found, pair) => found ?? firstKey(pair.value, from, name),
    null,
  );
}

/** The parser's errors in the words of somebody who looks at the file. */
function syntaxWords(text: string, error: YAMLError): string {
  const [from] = error.pos;
  const lineStart = text.lastIndexOf('\n', from - 1) + 1;
  const line = text.slice(lineStart).split('\n', 1)[0];
  const word = line.trim().split(/[\s:]/, 1)[0];
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'YAML is indented with spaces; replace the tab with spaces';
    case 'MULTILINE_IMPLICIT_KEY':
      return `this is neither a value nor "key: value"; is a ":" missing after ${show(word)}?`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second "key: value" inside a value; check the indentation, or quote the value';
    case 'BAD_SCALAR_START':
      return `a value cannot begin with ${text[from]}; quote it: "${text[from]}..."`;
    case 'MULTIPLE_DOCS':
      return 'the file holds a second document after "---"; one file is one configuration';
    case 'BAD_DQ_ESCAPE':
      return 'unknown escape in double quotes; write \\\\ for a backslash, or use single quotes';
    case 'MISSING_CHAR':
      if (/quote/.test(error.message)) return 'a quoted text is not closed; add the closing quote';
      if (/indicator/.test(error.message)) {
        return 'this stands between the items of a list; begin it with "- ", or indent it';
      }
      break;
    case 'BAD_INDENT':
      if (/^Flow/.test(error.message)) return 'a [ or { is not closed; add the closing ] or }';
      return 'the indentation fits nothing above; align it with its neighbours';
    case 'TAG_RESOLVE_FAILED':
      return 'YAML tags (!name) are not used here; remove the tag, or quote the value';
  }
  return `not valid YAML: ${error.message.split('\n', 1)[0]}`;
}
