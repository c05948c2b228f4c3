/**
 * Reads wire cases out of Markdown. The notation is explained, for readers, in `README.md` beside
 * this file; this is the one place that knows it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { After, Script } from '../e2e/harness/recording-backend.ts';

/** What the client does, in order. `wait`: until something has come back. */
export type Step = { readonly send: string } | 'wait' | 'fin' | 'rst';

export interface WireCase {
  readonly file: string;
  readonly line: number;
  readonly id: string;
  readonly sentence: string;
  /** Each is run by itself against the same expectation. */
  readonly requests: readonly (readonly Step[])[];
  /** Alternatives, each run by itself; in each, the answers to the requests in turn. */
  readonly backends: readonly (readonly Script[])[];
  readonly expect: readonly string[];
  /** Why there are no bytes, and where the rule is kept instead; null: it is a case. */
  readonly policy: string | null;
}

const escapes: Readonly<Record<string, string>> = {
  r: '\r',
  n: '\n',
  t: '\t',
  '0': '\0',
  '\\': '\\',
  '{': '{',
};

/**
 * Line breaks of the block are layout; `\r \n \t \0 \\ \{ \xNN` are bytes; `{TEXT*N}` repeats;
 * `{wait}`, `{fin}` and `{rst}` are steps of the client.
 */
export function parseBytes(text: string): Step[] {
  const steps: Step[] = [];
  let bytes = '';
  const pattern =
    /\n|\\x([0-9a-fA-F]{2})|\\(.)|\{(wait|fin|rst)\}|\{((?:\\.|[^{}\\])+)\*(\d+)\}|[^\\{\n]+|./gs;
  for (const [all, hex, escaped, step, repeated, times] of text.matchAll(pattern)) {
    if (all === '\n') continue;
    if (hex !== undefined) bytes += String.fromCharCode(Number.parseInt(hex, 16));
    else if (escaped !== undefined) {
      if (!(escaped in escapes)) throw new Error(`unknown escape ${all}`);
      bytes += escapes[escaped];
    } else if (step !== undefined) {
      if (bytes !== '') steps.push({ send: bytes });
      bytes = '';
      steps.push(step as Step);
    } else if (repeated !== undefined) bytes += plainBytes(repeated).repeat(Number(times));
    else if (all === '{') throw new Error('a lone { is written \\{');
    else bytes += all;
  }
  if (bytes !== '') steps.push({ send: bytes });
  return steps;
}

/** Bytes alone, where steps make no sense. */
export function plainBytes(text: string): string {
  return parseBytes(text)
    .map((step) => {
      if (typeof step === 'string') throw new Error(`{${step}} is a step of the client`);
      return step.send;
    })
    .join('');
}

interface Draft {
  line: number;
  id: string;
  sentence: string;
  policy: string | null;
  blocks: { info: string; text: string }[];
}

function drafts(text: string): Draft[] {
  const found: Draft[] = [];
  let block: { info: string; text: string } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const draft = found.at(-1);
    const heading = /^## ([A-Z]{2}\d{2}): (.+)$/.exec(line);
    if (block !== null) {
      if (line === '```') block = null;
      else block.text += (block.text === '' ? '' : '\n') + line;
    } else if (heading !== null) {
      found.push({
        line: index + 1,
        id: heading[1],
        sentence: heading[2],
        policy: null,
        blocks: [],
      });
    } else if (draft === undefined) {
      // The page's introduction.
    } else if (line.startsWith('```')) {
      block = { info: line.slice(3), text: '' };
      draft.blocks.push(block);
    } else if (line.startsWith('Policy: ')) draft.policy = line.slice('Policy: '.length);
    else if (draft.policy !== null && line !== '') draft.policy += ` ${line}`;
  }
  return found;
}

const whens = { early: 'head', late: 'late' } as const;

/** Scripts in turn; `also` begins an alternative, and so does each value of `{each}`. */
function toBackends(
  blocks: readonly { info: string; text: string }[],
  values: readonly string[],
): Script[][] {
  const alternatives: Script[][] = [[]];
  for (const { info, text } of blocks) {
    const match = /^backend (keep|fin|rst)(?: (early|late))?( also)?$/.exec(info);
    if (match === null) throw new Error(`\`\`\`${info}: write backend keep, fin or rst`);
    for (const [nth, each] of expand(text, values).entries()) {
      const script = { bytes: plainBytes(each), after: match[1] as After };
      if (match[3] !== undefined || nth > 0) alternatives.push([]);
      const when = whens[match[2] as keyof typeof whens];
      alternatives.at(-1)?.push(when === undefined ? script : { ...script, when });
    }
  }
  return alternatives;
}

/** One text for each value where `{each}` stands, else the text itself. */
function expand(text: string, values: readonly string[]): string[] {
  if (!text.includes('{each}')) return [text];
  if (values.length === 0) throw new Error('{each} without a block of values');
  return values.map((value) => text.replaceAll('{each}', () => value));
}

/** Every case of one page. Fails on what it does not understand, with file and line. */
export function parseCases(file: string, text: string): WireCase[] {
  return drafts(text).map((draft) => {
    const { id, line, sentence, policy } = draft;
    try {
      const blocks = (first: string): { info: string; text: string }[] =>
        draft.blocks.filter((block) => block.info.split(' ')[0] === first);
      const values = blocks('each').flatMap((block) => block.text.split('\n'));
      const requests = blocks('request')
        .flatMap((block) => expand(block.text, values))
        .map(parseBytes);
      const backends = toBackends(blocks('backend'), values);
      const expectations = blocks('expect').flatMap((block) =>
        block.text.split('\n').filter((each) => each !== ''),
      );
      const known = ['request', 'backend', 'each', 'expect'].flatMap(blocks);
      if (known.length !== draft.blocks.length) throw new Error('a block of another kind');
      if ((policy === null) === (requests.length === 0)) throw new Error('request or policy');
      if (requests.length > 0 && expectations.length === 0) throw new Error('nothing is expected');
      return { file, line, id, sentence, requests, backends, expect: expectations, policy };
    } catch (error) {
      throw new Error(`${file}:${line} ${id}: ${(error as Error).message}`);
    }
  });
}

/** All cases of all pages beside this file. */
export function loadCases(): WireCase[] {
  const folder = new URL('.', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .flatMap((name) => parseCases(name, readFileSync(new URL(name, folder), 'utf8')));
}
