/** Mutants that were not killed, and why that is so. Found by their text, as lines move. */
import type { Mutant } from './operators.ts';

export interface Argument {
  /** It does the same as the original for whoever uses it: no test could tell them apart. */
  readonly same: boolean;
  readonly why: string;
}

/** In `src/core`; `at`: a part of the line in which the mutant begins. */
type Survivor = readonly [file: string, at: string, from: string, to: string, why: string];

const same: readonly Survivor[] = [
  [
    'engine/attempts.ts',
    'config.hedge !== null',
    'this.exchange.pool!.config.hedge !== null',
    'true',
    'without hedging the time before a second attempt is infinite, and none is prepared',
  ],
  ['engine/pace.ts', 'moved = 0', '0', '-1', 'set when the clock starts, before it is looked at'],
  [
    'engine/retry-rule.ts',
    'private pauses = 0',
    '0',
    '1',
    'a first value; `begin` sets it before anybody asks',
  ],
  [
    'engine/client-connection.ts',
    'fresh: 0',
    '0',
    '-1',
    'a state has any number that no other has',
  ],
  [
    'resilience/waiting.ts',
    'WORDS = 3',
    '3',
    '4',
    'lines of memory that are a word longer hold the same',
  ],
  [
    'http1/head-parser.ts',
    'new Uint8Array(256)',
    '256',
    '257',
    'a place more, which no byte reads',
  ],
  [
    'http1/head-parser.ts',
    'for (let byte = 0; byte < 256',
    '0',
    '-1',
    'a typed array has no place -1',
  ],
  [
    'http1/head-parser.ts',
    'for (let byte = 0; byte < 256',
    '0',
    '1',
    'NUL is allowed nowhere, and its place is 0 at first',
  ],
  [
    'http1/head-parser.ts',
    'for (let byte = 0; at < end; at++)',
    'at < end',
    '(at) <= (end)',
    'one byte too many is read, and then the line is left to the slower states as before',
  ],
  [
    'http1/head-parser.ts',
    'if (bytes[at] !== COLON',
    'bytes[at] !== COLON || bytes[at + 1] !== SP || isSpace(bytes[valueStart]!)',
    'true',
    'the fast way is never taken; the slower states come to the same',
  ],
  [
    'http1/head-parser.ts',
    'for (let byte = SP; at < end; at++)',
    'at < end',
    '(at) >= (end)',
    'the fast way is never taken; the slower states come to the same',
  ],
  [
    'http1/write-head.ts',
    'const CR = 13',
    '13',
    '14',
    'fields are never copied in runs, but one by one: the same bytes',
  ],
  [
    'http1/write-head.ts',
    'bytes[nameEnd] === COLON',
    'bytes[nameEnd] === COLON',
    '(bytes[nameEnd]) !== (COLON)',
    'fields are never copied in runs, but one by one: the same bytes',
  ],
  [
    'engine/rate-limits.ts',
    'if (limits.length > 1)',
    'limits.length > 1',
    '(limits.length) >= (1)',
    'to ask a limit by itself before it is taken counts nothing',
  ],
  [
    'resilience/quantile.ts',
    'if (this.count < ENOUGH) this.count++',
    'this.count < ENOUGH',
    'true',
    'a larger count is only compared with the same bound',
  ],
  [
    'engine/gate.ts',
    'return false;',
    'return false;',
    '',
    'undefined is as false to its one caller',
  ],
  ['engine/pool.ts', 'NO_ROOM = -2', '2', '3', 'a name for any negative number but -1'],
  [
    'engine/request-reader.ts',
    'while (pending.length > 0 && !this.inHead)',
    '0',
    '-1',
    'one more round finds nothing and ends',
  ],
  [
    'engine/request-reader.ts',
    'if (used > 0) pending.drop(used)',
    'used > 0',
    'true',
    'to drop nothing does nothing',
  ],
];

/** A test may tell them apart, and none does. What is said here is what reading suggests. */
const open: readonly Survivor[] = [
  [
    'engine/response-writer.ts',
    'chunked = false',
    'false',
    'true',
    'a first value, set by the head',
  ],
  ['table/rate-table.ts', 'if (over > 0', '0', '-1', 'what fits exactly waits 0 either way'],
  [
    'engine/backend-connection.ts',
    'return false;',
    'return false;',
    '',
    'undefined is as false; what comes then needs a close in mid-answer',
  ],
  ['engine/attempt.ts', 'limitMs = 0', '0', '1', 'a first value; nobody asks before it is set'],
  ['engine/attempts.ts', 'rule.pauseMs > 0', '0', '1', 'a pause of exactly 1 ms'],
  [
    'engine/backend-connection.ts',
    'idle: 5',
    '5',
    '4',
    'idle and settling become one state; no test has an event in the turn between',
  ],
  [
    'engine/backend-connection.ts',
    'return;',
    'return;',
    '',
    'what would follow finds nothing to do in the tests',
  ],
  [
    'engine/backend-connection.ts',
    'this.reused && !this.heads.goesOn',
    'this.reused && !this.heads.goesOn',
    '(this.reused) || (!this.heads.goesOn)',
    'one who begins with an empty line loses reuse, which is stricter',
  ],
  [
    'engine/backend-connection.ts',
    'if (idleMs < 0)',
    'idleMs < 0',
    '(idleMs) <= (0)',
    'a time of exactly 0 to be kept',
  ],
  [
    'engine/backend-connection.ts',
    'if (this.state === At.idle) this.link.forgetIdle',
    'this.state === At.idle',
    'true',
    'to forget one that is not known does nothing',
  ],
  ['engine/client-connection.ts', 'STOP_QUIET_MS = 1000', '1000', '999', '1 ms'],
  [
    'engine/client-connection.ts',
    'COMPROMISED',
    '431',
    '432',
    'no test keeps a client that would be let go for this alone',
  ],
  ['engine/client-connection.ts', 'return;', 'return;', '', 'to close twice does nothing'],
  ['engine/connection-places.ts', 'LOOK_MS = 5', '5', '6', '1 ms'],
  [
    'engine/connection-places.ts',
    'if (at === -1) return',
    'at === -1',
    'false',
    'a claim that is taken back twice, with another one behind it',
  ],
  [
    'engine/exchange.ts',
    'responded = false',
    'false',
    'true',
    'a first value; a request sets it anew',
  ],
  [
    'engine/header-policy.ts',
    'asked === -1',
    '1',
    '2',
    'a 101 to a request without Upgrade is refused before',
  ],
  [
    'engine/memory-guard.ts',
    'holder.spareBytes() > 0',
    'holder.spareBytes() > 0',
    '(holder.spareBytes()) >= (0)',
    'who has nothing to spare is asked last',
  ],
  [
    'engine/pool.ts',
    'maxRequests > 0 || maxConnections > 0',
    'maxRequests > 0',
    '(maxRequests) >= (0)',
    'a queue in which nobody can wait',
  ],
  [
    'engine/pool.ts',
    'this.queue?.room()',
    'this.queue?.room();',
    '',
    'who waits learns of a new backend from the next exchange that ends',
  ],
  [
    'engine/queue.ts',
    'const isShed = waitedMs >= SHED_MS',
    'waitedMs >= SHED_MS',
    '(waitedMs) > (SHED_MS)',
    '1 ms',
  ],
  [
    'engine/replay.ts',
    'this.clear()',
    'this.clear();',
    '',
    'it was cleared when the exchange before was given back',
  ],
  [
    'engine/request-reader.ts',
    'if (this.pending.length > 0 && this.next === Next.body)',
    'this.pending.length > 0',
    '(this.pending.length) >= (0)',
    'works through nothing',
  ],
  [
    'engine/request-reader.ts',
    'if (pending.length === 0) break',
    '0',
    '-1',
    'what was cleared meanwhile is dropped from once more',
  ],
  [
    'engine/request-reader.ts',
    'this.bodyPaused && this.pending.length > 0',
    'this.pending.length > 0',
    '(this.pending.length) >= (0)',
    'a pause that has nothing waiting behind it',
  ],
  [
    'engine/request-reader.ts',
    'this.bodyPaused && this.pending.length > 0',
    '0',
    '-1',
    'a pause that has nothing waiting behind it',
  ],
  [
    'engine/request-reader.ts',
    'return end;',
    'return end;',
    '',
    'after the exchange was stopped in the middle of a body',
  ],
  ['engine/response-head-reader.ts', 'refusedAt = 0', '0', '1', 'a first value; a refusal sets it'],
  [
    'engine/response-writer.ts',
    'chunking = false',
    'false',
    'true',
    'a first value, which the head of a response sets',
  ],
  [
    'engine/response-writer.ts',
    'this.chunking = this.chunked = false',
    'false',
    'true',
    'the head of a response sets them again',
  ],
  [
    'engine/response-writer.ts',
    'if (start === end) return true',
    'true',
    'false',
    'an empty piece of a body for a client that is chunked',
  ],
  [
    'engine/sticky-cookie.ts',
    'for (let at = start; at < end; at++)',
    'at < end',
    '(at) >= (end)',
    'a value that is no hexadecimal number names nobody either',
  ],
  [
    'engine/sticky-sessions.ts',
    'return;',
    'return;',
    '',
    'a session that is made is put a second time',
  ],
  ['resilience/adaptive-limit.ts', 'recentMs = 0', '0', '1', 'shown before the first mean'],
  [
    'resilience/adaptive-limit.ts',
    'if (most < limit) return',
    'return;',
    '',
    'a queue at a backend that is not full',
  ],
  [
    'resilience/adaptive-limit.ts',
    'this.goodTimes = 0',
    '0',
    '-1',
    'doubles after eleven good means instead of ten',
  ],
  [
    'table/client-table.ts',
    '=== tag) total += count',
    'Atomics.load(words, at) === tag',
    'true',
    'a worker that gives a place to another client between two reads',
  ],
  ['table/rate-table.ts', 'return 0;', '0', '-1', 'who asks looks whether it is above 0'],
  [
    'table/session-table.ts',
    'Math.floor(wallMs / 1000)',
    '1000',
    '999',
    'a second that is 1 ms too short',
  ],
  ['table/table.ts', 'suspect: 3', '3', '4', "suspect and down become one in this file's own test"],
];

/** `text`: the line in which it begins. Null: there is none yet. */
export function argumentFor(mutant: Mutant, text: string): Argument | null {
  const isIt = ([file, at, from, to]: Survivor): boolean =>
    mutant.file === `src/core/${file}` &&
    text.includes(at) &&
    mutant.from === from &&
    mutant.to === to;
  const found = same.find(isIt);
  if (found !== undefined) return { same: true, why: found[4] };
  const alive = open.find(isIt);
  return alive === undefined ? null : { same: false, why: alive[4] };
}
