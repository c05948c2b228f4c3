/**
 * Our parser against Node's, stream by stream. What is held:
 *
 * - messages that both have read whole are the same, field by field and byte by byte;
 * - where neither refuses, the streams are cut into the same messages, to the same end;
 * - ours says the same however the bytes come: at once, one by one, cut at random;
 * - what we would send to a backend is read by Node as the messages that we read.
 */
import { Buffer } from 'node:buffer';
import { createRng, type Rng } from '../../src/core/base/rng.ts';
import { generate, type Stream } from './grammar.ts';
import { mutate } from './mutate.ts';
import { readByteByByte, readCut, readWhole, Tools } from './ours.ts';
import {
  acceptsAll,
  type Message,
  messageDifference,
  openDifference,
  type Reading,
  readable,
  readingDifference,
} from './reading.ts';
import { TheirReader } from './theirs.ts';

/** What is wrong with a stream. */
export interface Finding {
  readonly sentence: string;
  /** latin1 */
  readonly text: string;
}

/** How often what came out. */
export interface Tally {
  streams: number;
  /** Both took every byte, as whole messages. */
  acceptedByBoth: number;
  /** Neither refused, but the last message was not whole or bytes came after a close. */
  unfinished: number;
  refusedByBoth: number;
  refusedByUsAlone: number;
  refusedByNodeAlone: number;
  /** Grammar-made streams that came out as they were meant. */
  valid: number;
  /** Streams that Node reads otherwise, in one of the ways we know (see `compare`). */
  known: number;
  readonly ourReasons: Map<string, number>;
  readonly theirReasons: Map<string, number>;
}

export const newTally = (): Tally => ({
  streams: 0,
  acceptedByBoth: 0,
  unfinished: 0,
  refusedByBoth: 0,
  refusedByUsAlone: 0,
  refusedByNodeAlone: 0,
  valid: 0,
  known: 0,
  ourReasons: new Map(),
  theirReasons: new Map(),
});

const theirs = new TheirReader();

const readTheirs = (text: string): Reading => theirs.read(Buffer.from(text, 'latin1'));

/** Does the connection go on? RFC 9112 section 9.3, read once more and without hurry. */
function goesOn({ minor, fields }: Message): boolean {
  const values = fields.match(/(?<=^connection:)[^\n]*/gim) ?? [];
  const options = values.join(',').split(',');
  const has = (option: string): boolean =>
    options.some((each) => each.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase() === option);
  return !has('close') && (minor === 1 || has('keep-alive'));
}

/**
 * In a request for an upgrade Node does not see a coding that has a tab behind it, and instead of
 * refusing that, as it does otherwise, takes the request to have no body. White space around a
 * value is not part of it (RFC 9110 section 5.5): the coding is `chunked`, and there is a body.
 * What we pass on has neither the tab nor the upgrade.
 */
const skipsCoding = (ours: Message, other: Message, text: string): boolean =>
  other.body === '' &&
  ours.fields === other.fields &&
  /^upgrade:/im.test(ours.fields) &&
  /\ntransfer-encoding:[ \t]*chunked *\t[ \t]*\r\n/i.test(text);

/**
 * What differs between two readings, and is not known to be right. Known: Node does not see an
 * option of Connection that has a tab beside it, sees one among the trailers, and with HTTP/1.0
 * lets `keep-alive` win over `close`. What follows is then a request to one of us and nothing to
 * the other; that we keep to the rule is looked at here.
 */
function compare(text: string, ours: Reading, other: Reading, tally: Tally): string | null {
  const shared = Math.min(ours.messages.length, other.messages.length);
  for (let i = 0; i < shared; i++) {
    const message = ours.messages[i];
    const what = messageDifference(message, other.messages[i]);
    if (what === 'body' && skipsCoding(message, other.messages[i], text)) {
      tally.known++;
      return null;
    }
    if (what !== null) return `message ${i + 1}: ${what}`;
    if (message.keepAlive !== goesOn(message)) return `message ${i + 1}: persistence`;
    if (message.keepAlive === other.messages[i].keepAlive) continue;
    tally.known++;
    return null;
  }
  if (ours.end === 'refused' || other.end === 'refused') return null;
  const next = other.messages[shared];
  if (next !== undefined && ours.open !== null && skipsCoding(ours.open, next, text)) {
    tally.known++;
    return null;
  }
  if (ours.messages.length !== other.messages.length) {
    return `${ours.messages.length} messages here, ${other.messages.length} for Node`;
  }
  if (ours.end !== other.end) return `${ours.end} here, ${other.end} for Node`;
  const what = openDifference(ours.open, other.open);
  return what === null ? null : `${what} differs`;
}

function randomCuts(rng: Rng, length: number): number[] {
  const cuts = new Set<number>();
  for (let left = 1 + rng.below(10); left > 0; left--) cuts.add(rng.below(length + 1));
  return [...cuts].sort((a, b) => a - b);
}

/** The target that the next server must see (RFC 9112 section 3.2.2). */
function forwardedTarget({ method, target }: Message): string {
  if (target.startsWith('/') || target === '*') return target;
  const path = target.replace(/^[a-z]+:\/\/[^/?]*/i, '');
  if (path === '' && method === 'OPTIONS') return '*';
  return path.startsWith('/') ? path : `/${path}`;
}

/** Does Node read in what we pass on what we have read? `mustTake`: it took the original. */
function checkForwarded(ours: Reading, forwarded: string, mustTake: boolean): string | null {
  const seen = readTheirs(forwarded);
  if (mustTake && seen.end !== (ours.open === null ? 'whole' : 'partial')) {
    return `what is passed on is ${seen.end} for Node: ${seen.why}\n${readable(forwarded)}`;
  }
  for (const [i, message] of seen.messages.entries()) {
    const own = ours.messages[i];
    const same =
      own !== undefined &&
      message.method === own.method &&
      message.target === forwardedTarget(own) &&
      message.body === own.body;
    if (!same) return `message ${i + 1} as passed on is another for Node\n${readable(forwarded)}`;
  }
  const isShort = mustTake && seen.messages.length !== ours.messages.length;
  return isShort ? `messages are lost on the way\n${readable(forwarded)}` : null;
}

/** Before a refusal, one may have got further than the other. */
function samePassedOn(ours: Reading, a: string, b: string): boolean {
  return ours.end === 'refused' ? a.startsWith(b) || b.startsWith(a) : a === b;
}

/** Does our side say the same however the bytes come? Then `forwarded` is what is passed on. */
function checkCuts(rng: Rng, ours: Reading, stream: Uint8Array, tools?: Tools): Cuts {
  const single = readByteByByte(stream, tools);
  const { forwarded } = single;
  let what = readingDifference(ours, single.reading);
  if (what !== null) return { sentence: `byte by byte: ${what}`, forwarded };
  const cuts = randomCuts(rng, stream.length);
  const cut = readCut(stream, cuts, tools);
  what = readingDifference(ours, cut.reading);
  if (what === null && !samePassedOn(ours, forwarded, cut.forwarded)) what = 'passed on otherwise';
  return { sentence: what === null ? null : `cut at ${cuts.join(', ')}: ${what}`, forwarded };
}

interface Cuts {
  readonly sentence: string | null;
  readonly forwarded: string;
}

/** The same with limits that the stream may reach. */
function checkLimits(rng: Rng, stream: Uint8Array): string | null {
  const headBytes = 20 + rng.below(300);
  const requestLineBytes = 10 + rng.below(60);
  const limits = { headBytes, requestLineBytes, headerFields: rng.below(6) };
  const tools = new Tools(limits);
  const { sentence } = checkCuts(rng, readWhole(stream, tools), stream, tools);
  return sentence === null ? null : `with ${JSON.stringify(limits)}: ${sentence}`;
}

function countReason(reasons: Map<string, number>, why: string): void {
  reasons.set(why, (reasons.get(why) ?? 0) + 1);
}

function count(tally: Tally, ours: Reading, other: Reading): void {
  tally.streams++;
  const refused = ours.end === 'refused';
  if (acceptsAll(ours) && acceptsAll(other)) tally.acceptedByBoth++;
  else if (refused && other.end === 'refused') tally.refusedByBoth++;
  else if (refused) {
    tally.refusedByUsAlone++;
    countReason(tally.ourReasons, ours.why);
  } else if (other.end === 'refused') {
    tally.refusedByNodeAlone++;
    countReason(tally.theirReasons, other.why);
  } else tally.unfinished++;
}

function judge(text: string, rng: Rng, tally: Tally): string | null {
  const stream = Buffer.from(text, 'latin1');
  const ours = readWhole(stream);
  const other = theirs.read(stream);
  count(tally, ours, other);
  const difference = compare(text, ours, other, tally);
  if (difference !== null) return difference;
  const { sentence, forwarded } = checkCuts(rng, ours, stream);
  if (sentence !== null) return sentence;
  if (rng.chance(1, 8)) return checkLimits(rng, stream);
  if (ours.end === 'refused') return null;
  // It ends elsewhere where it closed the connection and we did not, see `compare`.
  const theirsTook = other.end === ours.end && other.messages.length === ours.messages.length;
  return checkForwarded(ours, forwarded, theirsTook);
}

/** Any stream; `rng` says where it is cut. */
export function check(text: string, rng: Rng, tally: Tally): Finding | null {
  try {
    const sentence = judge(text, rng, tally);
    return sentence === null ? null : { sentence, text };
  } catch (error) {
    return { sentence: `thrown: ${(error as Error).message}`, text };
  }
}

/** A stream that must come out as `messages`, for us and, if `strict`, for Node. */
export function checkValid(stream: Stream, strict: boolean, rng: Rng): Finding | null {
  const { text, messages } = stream;
  const last = messages[messages.length - 1];
  const meant: Reading = {
    messages,
    open: null,
    end: last.keepAlive ? 'whole' : 'closed',
    unread: false,
    why: '',
    refusedAt: -1,
  };
  const ours = readWhole(Buffer.from(text, 'latin1'));
  const about = (who: string, { end, why }: Reading, what: string): Finding => ({
    sentence: `a valid stream is not understood by ${who}: ${what} (${end} ${why})`,
    text,
  });
  const what = readingDifference(ours, meant);
  if (what !== null) return about('us', ours, what);
  if (!strict) return check(text, rng, newTally());
  const other = readTheirs(text);
  const theirWhat = readingDifference(other, meant);
  return theirWhat === null ? null : about('Node', other, theirWhat);
}

/**
 * One seed: a valid stream, and what a mutation makes of it or of one that was captured. Only the
 * mutant is counted as a stream.
 */
export function runSeed(seed: number, captured: readonly string[], tally: Tally): Finding | null {
  const rng = createRng(seed);
  const strict = !rng.chance(1, 8);
  const valid = generate(rng, strict);
  const finding = checkValid(valid, strict, rng);
  if (finding !== null) return finding;
  tally.valid++;
  const isCaptured = captured.length > 0 && rng.chance(1, 10);
  const from = isCaptured ? captured[rng.below(captured.length)] : valid.text;
  const other = (): string => generate(rng, true).text;
  return check(mutate(rng, from, other), rng, tally);
}
