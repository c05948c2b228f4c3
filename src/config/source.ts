/**
 * YAML text to a plain value, with the place of every key and value in the text. Syntax errors,
 * keys given twice and variables that are not set go to the report.
 */
import {
  type Alias,
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
  visit,
  type YAMLMap,
} from 'yaml';
import { formatPath, type Path, type Place, Report } from './diagnostics.ts';
import { type Environment, expand, retype } from './environment.ts';
import { keyText, type Range, rangeOf, reportSyntax } from './syntax.ts';

export interface Source {
  /** Plain lists, mappings without a prototype, and scalars. */
  readonly value: unknown;
  /** False: the text is not YAML, so there is nothing more to say about it. */
  readonly readable: boolean;
  readonly report: Report;
}

interface Ranges {
  readonly key: Range | null;
  readonly value: Range;
}

/** More values than any configuration has; aliases of aliases could make billions of them. */
const MOST_VALUES = 200_000;

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

/** What each alias stands for: the last node before it that has its anchor. */
function anchorsOf(document: Document): ReadonlyMap<Alias, Node> {
  const latest = new Map<string, Node>();
  const found = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      const target = isAlias(node) ? latest.get(node.source) : undefined;
      if (isAlias(node) && target !== undefined) found.set(node, target);
      if (!isAlias(node) && node.anchor !== undefined) latest.set(node.anchor, node);
    },
  });
  return found;
}

class Reader {
  private readonly anchors: ReadonlyMap<Alias, Node>;
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
    this.anchors = anchorsOf(document);
    this.ranges = ranges;
    this.report = report;
    this.environment = environment;
    this.toPlace = toPlace;
  }

  read(node: unknown, path: Path, key: Range | null): unknown {
    const target = isAlias(node) ? this.anchors.get(node) : (node as Node | null);
    const range = rangeOf(target) ?? rangeOf(node) ?? key ?? [0, 0];
    this.ranges.set(formatPath(path), {
      key,
      value: range[0] === range[1] ? (key ?? range) : range,
    });
    if (isAlias(node) && target === undefined) {
      return this.refuse(path, `there is no anchor &${node.source} before this; define it first`);
    }
    if (target === null || target === undefined) return null;
    if (target.tag?.startsWith('!')) return this.refuse(path, tagWords(target.tag));
    if (this.open.includes(target))
      return this.refuse(path, 'an anchor contains itself; write the values out');
    if (++this.values > MOST_VALUES)
      return this.refuse([], 'the aliases expand without end; write the values out');
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
    const target = isAlias(node) ? this.anchors.get(node) : node;
    if (isMap(target) && !this.open.includes(target)) return target.items;
    if (isSeq(target)) return target.items.flatMap((item) => this.pairsOf(item, path, key));
    const place = key === null ? null : this.toPlace(key);
    this.report.addAt(
      place,
      formatPath(path),
      '"<<" takes over the keys of another mapping; write <<: *ANCHOR',
    );
    return [];
  }
}

const BAD_KEY = 'this is no key; a key is a word such as port';

const tagWords = (tag: string): string =>
  `YAML tags such as ${tag} mean nothing here; remove it, and write a variable as \${VAR}`;
