/** The YAML parser's errors, in the words of somebody who looks at the file. */
import { type Document, isMap, isScalar, isSeq, type Node, type Pair, type YAMLError } from 'yaml';
import { type Place, type Report, show } from './diagnostics.ts';

/** From and to, as offsets in the text. */
export type Range = readonly [number, number];

export const keyText = (pair: Pair): string =>
  String(isScalar(pair.key) ? pair.key.value : pair.key);

/** Where a node is written; null for what is not there. */
export function rangeOf(node: unknown): Range | null {
  const range = (node as Node | null | undefined)?.range;
  return range ? [range[0], range[1]] : null;
}

/** Reports them all; true when the text cannot be understood. A key given twice can. */
export function reportSyntax(
  text: string,
  document: Document.Parsed,
  report: Report,
  toPlace: (range: Range) => Place,
): boolean {
  for (const error of document.errors) {
    if (error.code === 'DUPLICATE_KEY') {
      const [from] = error.pos;
      const message = twice(text, document, from, toPlace);
      report.addAt(toPlace([from, wordEnd(text, from)]), '', message);
    } else {
      const { range, message } = explain(text, error, document.errors);
      report.addAt(toPlace(range), '', message);
    }
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
  from: number,
  toPlace: (range: Range) => Place,
): string {
  const name = text.slice(from, wordEnd(text, from)).replace(/^["']|["']$/g, '');
  const first = firstKey(document.contents, from, name);
  const where = first === null ? '' : `; the first is on line ${toPlace(first).line}`;
  return `the key ${show(name)} is here twice${where}; remove or rename one`;
}

/** The first pair called `name` in the mapping that has another pair whose key begins at `from`. */
function firstKey(node: unknown, from: number, name: string): Range | null {
  if (!isMap(node) && !isSeq(node)) return null;
  if (isMap(node) && node.items.some((pair) => rangeOf(pair.key)?.[0] === from)) {
    return rangeOf(node.items.find((pair) => keyText(pair) === name)?.key);
  }
  const below: unknown[] = isMap(node) ? node.items.map((pair) => pair.value) : node.items;
  return below.reduce<Range | null>((found, item) => found ?? firstKey(item, from, name), null);
}

interface Explanation {
  readonly range: Range;
  readonly message: string;
}

function explain(text: string, error: YAMLError, all: readonly YAMLError[]): Explanation {
  const [from, to] = error.pos;
  const variable = /\$\{[^}]*\}?/.exec(text.slice(Math.max(0, from - 1), from + 200));
  if (variable !== null && variable.index <= 1 && text[from - 1] === '$') {
    const message = `inside { } or [ ], a variable stands in quotes: write "${variable[0]}"`;
    return { range: [from - 1, from - 1 + variable[0].length], message };
  }
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { range: [from, to], message: 'YAML is indented with spaces; replace the tab' };
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_AS_IMPLICIT_KEY':
      return explainNesting(text, error, all);
    case 'BAD_SCALAR_START': {
      const line = restOfLine(text, from);
      const message = `a value cannot begin with ${text[from]}; write it in quotes: "${line}"`;
      return { range: [from, from + line.length], message };
    }
    case 'MULTIPLE_DOCS': {
      const what = 'a second document begins here; one file is one configuration';
      return { range: [from, to], message: `${what}, so put it into another, or remove the ---` };
    }
    case 'BAD_DQ_ESCAPE': {
      const message = 'unknown escape in double quotes; write \\\\ for \\, or use single quotes';
      return { range: [from, to], message };
    }
    case 'MISSING_CHAR':
      if (/quote/.test(error.message)) return explainQuote(text, from, error.message);
      if (/^Flow/.test(error.message)) return explainBracket(text, from, error.message);
      if (/indicator/.test(error.message)) return explainMisalignment(text, from);
      break;
    case 'BAD_INDENT':
      if (/^Flow/.test(error.message)) return explainBracket(text, from, error.message);
      return explainMisalignment(text, from);
  }
  return { range: [from, to], message: `not valid YAML: ${error.message.split('\n', 1)[0]}` };
}

const restOfLine = (text: string, from: number): string =>
  text.slice(from).split('\n', 1)[0].trim();

const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;

/** The text of the line that holds `at`, without the white space around it. */
function lineAround(text: string, at: number): Range {
  const start = lineStart(text, at);
  const line = text.slice(start).split('\n', 1)[0];
  const from = start + line.length - line.trimStart().length;
  return [from, Math.max(from + 1, start + line.trimEnd().length)];
}

/** A key where none can be: a forgotten colon above, a line too far to the right, `a: b: c`. */
function explainNesting(text: string, error: YAMLError, all: readonly YAMLError[]): Explanation {
  const [from] = error.pos;
  const spanning = all.find((e) => e.code === 'MULTILINE_IMPLICIT_KEY' && e.pos[0] === from);
  if (spanning === undefined) {
    const message = `the value holds ": "; write it in quotes: "${restOfLine(text, from)}"`;
    return { range: [from, from + restOfLine(text, from).length], message };
  }
  const before = text.slice(lineStart(text, from), from).replace(/^[\s-]*/, '');
  if (before !== '') {
    const message = 'this is indented deeper than the line above, which has a value already';
    return { range: lineAround(text, spanning.pos[1]), message: `${message}; align the two` };
  }
  const [word] = restOfLine(text, from).split(/[\s:]/, 1);
  const message = `this is neither a value nor "key: value"; is a ":" missing after ${show(word)}?`;
  return { range: spanning.pos, message };
}

/** The parser notices at the end of the text; the reader needs the beginning of the quotation. */
function explainQuote(text: string, from: number, parserMessage: string): Explanation {
  const quote = parserMessage.includes('"') ? '"' : "'";
  const open = text.lastIndexOf(quote, from - 1);
  const message = `this text is not closed; add ${quote} at its end`;
  return { range: open === -1 ? [from, from + 1] : [open, lineAround(text, open)[1]], message };
}

/** Looks for the bracket whose other half the parser misses. */
function explainBracket(text: string, from: number, parserMessage: string): Explanation {
  const [open, close] = parserMessage.includes('}') ? '{}' : '[]';
  let depth = 0;
  for (let at = from - 1; at >= 0; at--) {
    if (text[at] === close) depth++;
    if (text[at] !== open) continue;
    if (depth-- > 0) continue;
    const message = `this ${text[at]} is not closed; add ${close}, or indent the lines up to it`;
    return { range: [at, lineAround(text, at)[1]], message };
  }
  return {
    range: [from, from + 1],
    message: 'a bracket is not closed; add it, or indent this line',
  };
}

const explainMisalignment = (text: string, from: number): Explanation => ({
  range: lineAround(text, from),
  message: 'this lines up with nothing above; indent it like the key or the "-" it belongs to',
});
