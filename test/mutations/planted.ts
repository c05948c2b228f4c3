/**
 * Bugs as people make them, to be planted one by one: each replaces a text that stands exactly once
 * in a source file. The simulator has to find them; `docs/planted-bugs.md` says with which seed.
 */

export interface Planted {
  /** What is wrong, as a sentence. */
  readonly bug: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The simulator may miss it, and this is why; a unit test finds it. */
  readonly excuse?: string;
}

const ENGINE = 'src/core/engine';

const lines = (...each: readonly string[]): string => each.join('\n');

export const planted: readonly Planted[] = [
  {
    bug: 'A backend connection over which stray bytes came goes back to the pool.',
    file: `${ENGINE}/backend-connection.ts`,
    from: lines("    this.link.distrust('bytes that belong to no response');", '    this.shut();'),
    to: '',
  },
  {
    bug: 'Bytes behind a response do not keep its connection out of the pool.',
    file: `${ENGINE}/backend-connection.ts`,
    from: lines(
      "    if (extra) this.link.distrust('bytes after a response');",
      '    const isQuiet = !extra && !this.dirty',
    ),
    to: '    const isQuiet = !this.dirty',
  },
  {
    bug: 'A connection whose request is not whole yet goes back to the pool.',
    file: `${ENGINE}/backend-connection.ts`,
    from: 'const clean = this.keepAlive && this.requestFinished && isQuiet',
    to: 'const clean = this.keepAlive && isQuiet',
  },
  {
    bug: 'A backend that says Connection: close is asked again on the same connection.',
    file: `${ENGINE}/backend-connection.ts`,
    from: 'this.keepAlive = facts.keepAlive;',
    to: 'this.keepAlive = true;',
  },
  {
    bug: 'A connection that closed while it was idle stays in the pool.',
    file: `${ENGINE}/backend-connection.ts`,
    from: '    if (state === At.idle) this.link.forgetIdle(this);',
    to: '',
  },
  {
    bug: 'A request is repeated although a part of its response has come.',
    file: `${ENGINE}/backend-connection.ts`,
    from: "failure('closed', 'backend', 'relay', this.heard ? 'never' : retry, cause)",
    to: "failure('closed', 'backend', 'relay', 'safe', cause)",
  },
  {
    bug: 'A kept connection counts as untouched after a request went out on it.',
    file: `${ENGINE}/backend-connection.ts`,
    from: '    this.touched = true;',
    to: '',
  },
  {
    bug: 'A body that ends with the connection never ends.',
    file: `${ENGINE}/backend-connection.ts`,
    from: lines(
      '        if (this.reader.endsWithConnection) this.complete(false);',
      '        else',
    ),
    to: '        if (!this.reader.endsWithConnection)',
  },
  {
    bug: 'A response that breaks off is ended with a FIN, as if it were whole.',
    file: `${ENGINE}/client-connection.ts`,
    from: lines(
      '    this.exchange = null;',
      '    this.shutHard();',
      '    if (exchange !== null) this.engine.giveExchange(exchange);',
    ),
    to: lines(
      '    this.exchange = null;',
      '    this.shut();',
      '    if (exchange !== null) this.engine.giveExchange(exchange);',
    ),
  },
  {
    bug: 'The clock of a client connection goes on after it has closed.',
    file: `${ENGINE}/client-connection.ts`,
    from: lines(
      '    this.state = At.closed;',
      '    this.engine.wheel.remove(this);',
      '    this.engine.connectionClosed(this);',
    ),
    to: lines('    this.state = At.closed;', '    this.engine.connectionClosed(this);'),
  },
  {
    bug: 'A client connection is kept open after a request whose rest was not read.',
    file: `${ENGINE}/client-connection.ts`,
    from: 'if (!this.exchange!.facts.keepAlive || !reader.isWhole) return false;',
    to: 'if (!this.exchange!.facts.keepAlive) return false;',
  },
  {
    bug: 'A client that went away leaves its exchange running at the backend.',
    file: `${ENGINE}/exchange.ts`,
    from: lines(
      '    if (this.requestEnded && !this.responded) this.attempts.cancel();',
      '    else this.attempts.abandon();',
      '',
    ),
    to: '',
  },
  {
    bug: 'An exchange that ends is never taken out of the table.',
    file: `${ENGINE}/attempts.ts`,
    from: lines('    this.current.leave();', '    const { rival } = this;'),
    to: '    const { rival } = this;',
  },
  {
    bug: 'A tunnel that ends is counted for ever.',
    file: `${ENGINE}/exchange.ts`,
    from: lines('      engine.leaveTunnel(this.backend!);', ''),
    to: '',
  },
  {
    bug: 'A client that waits in the queue and goes away keeps its place.',
    file: `${ENGINE}/exchange.ts`,
    from: lines('    this.leaveQueue();', '    this.attempts.end();'),
    to: '    this.attempts.end();',
  },
  {
    bug: 'A client that was held back because the backend was slow is never let go.',
    file: `${ENGINE}/exchange.ts`,
    from: lines(
      '    if (this.clientHeld) this.releaseClient();',
      '  }',
      '',
      '  // ---- relay: the response',
    ),
    to: lines('  }', '', '  // ---- relay: the response'),
  },
  {
    bug: 'A backend that was held back because the client was slow is never let go.',
    file: `${ENGINE}/exchange.ts`,
    from: lines('  onClientDrain(): void {', '    this.side?.resumeBody();'),
    to: '  onClientDrain(): void {',
  },
  {
    bug: 'The beginning of a body that was kept for an attempt is sent without its first byte.',
    file: `${ENGINE}/exchange.ts`,
    from: 'side.body(replay.bytes, replay.start, replay.end)',
    to: 'side.body(replay.bytes, replay.start + 1, replay.end)',
  },
  {
    bug: 'A body is forgotten for a second attempt when the first has its connection before it.',
    file: `${ENGINE}/exchange.ts`,
    from: 'if (!this.attempts.isWaiting) replay.sent(this.facts.idempotent);',
    to: 'replay.sent(this.facts.idempotent);',
    excuse: 'both must connect while more than 64 KiB are kept; attempts.test.ts has it',
  },
  {
    bug: 'A request is repeated although the beginning of its body is not kept any more.',
    file: `${ENGINE}/replay.ts`,
    from: lines('  forget(): void {', '    this.clear();', '    this.whole = false;'),
    to: lines('  forget(): void {', '    this.clear();'),
  },
  {
    bug: 'A second retry follows the first.',
    file: `${ENGINE}/retry-rule.ts`,
    from: 'return this.retries < (pool.config',
    to: 'return this.retries <= (pool.config',
  },
  {
    bug: 'A request that is not idempotent is repeated after it was sent.',
    file: `${ENGINE}/retry-rule.ts`,
    from: '|| !repeatable || !this.hasLeft(pool)',
    to: '|| !this.hasLeft(pool)',
  },
  {
    bug: 'A request that is not idempotent is sent to a second backend beside a slow one.',
    file: `${ENGINE}/exchange.ts`,
    from: 'this.facts.idempotent && this.replay.whole && this.interims === 0',
    to: 'this.replay.whole && this.interims === 0',
  },
  {
    bug: 'The body of an answer that is tried again goes to the client.',
    file: `${ENGINE}/backend-connection.ts`,
    from: lines('  discard(): void {', '    this.attempt = null;'),
    to: '  discard(): void {',
  },
  {
    bug: 'An attempt whose answer is tried again stays counted at its backend.',
    file: `${ENGINE}/attempt.ts`,
    from: lines('    side.discard();', '    this.leave();'),
    to: lines('    side.discard();', '    this.inTable = false;'),
  },
  {
    bug: 'Of two attempts the one that comes too late keeps its place at the backend.',
    file: `${ENGINE}/attempts.ts`,
    from: lines('    this.leaveTo(loser);', '    loser.cancel();'),
    to: '    this.leaveTo(loser);',
  },
  {
    bug: 'The rest of an answer that nobody wants is taken for the next one.',
    file: `${ENGINE}/backend-connection.ts`,
    from: 'if (at !== REFUSED && this.reader.done) this.complete(at < bytes.length);',
    to: 'if (at !== REFUSED) this.complete(false);',
  },
  {
    bug: 'A queue does not look again after it has looked once: a wake-up is lost.',
    file: `${ENGINE}/queue.ts`,
    from: lines('    if (this.first !== null) this.watch();', ''),
    to: '',
  },
  {
    bug: 'Workers compare since when somebody waits by what the wall clock said when he came.',
    file: `${ENGINE}/queue.ts`,
    from: '    return wallMs - (this.deps.wheel.nowMs() - place.sinceMs);',
    to: lines(
      '    const noted = place as Place & { cameMs?: number; cameWallMs?: number };',
      '    if (noted.cameMs !== place.sinceMs) {',
      '      noted.cameMs = place.sinceMs;',
      '      noted.cameWallMs = wallMs - (this.deps.wheel.nowMs() - place.sinceMs);',
      '    }',
      '    return noted.cameWallMs!;',
    ),
    excuse: 'two workers must have somebody waiting when the clock is set; queue.test.ts has it',
  },
  {
    bug: 'Whoever waits behind somebody who gives up is forgotten.',
    file: `${ENGINE}/queue.ts`,
    from: '    else place.previous.next = place.next;',
    to: '    else place.previous.next = null;',
    excuse: 'three must wait in one worker and the one between go first; queue.test.ts has it',
  },
  {
    bug: 'A chunk of more than 64 bytes is taken to be one byte shorter.',
    file: 'src/core/http1/body-reader.ts',
    from: lines('    if (byte === CR) this.state = At.sizeLf;', '    else if'),
    to: lines(
      '    if (byte === CR) {',
      '      this.state = At.sizeLf;',
      '      if (this.remaining > 64) this.remaining -= 1;',
      '    } else if',
    ),
  },
  {
    bug: 'A body with a length ends one byte early when it comes in parts.',
    file: 'src/core/http1/body-reader.ts',
    from: lines(
      '    this.payloadBytes += take;',
      '    this.remaining -= take;',
      '    if (this.body === Body.length && this.remaining === 0)',
    ),
    to: lines(
      '    this.payloadBytes += take;',
      '    this.remaining -= take;',
      '    if (this.body === Body.length && this.remaining <= 1)',
    ),
  },
  {
    bug: 'What has been relayed by itself is counted one byte short.',
    file: 'src/core/http1/body-reader.ts',
    from: lines(
      '    this.payloadBytes += bytes;',
      '    this.remaining -= bytes;',
      '    if (this.remaining === 0)',
    ),
    to: lines(
      '    this.payloadBytes += bytes;',
      '    this.remaining -= bytes;',
      '    if (this.remaining <= 1)',
    ),
  },
  {
    bug: 'Bytes that are no digits are passed over in the size of a chunk.',
    file: 'src/core/http1/body-reader.ts',
    from: '    else return byte === LF ? refusals.chunkLineEnd : refusals.chunkSize;',
    to: '    else if (byte === LF) return refusals.chunkLineEnd;',
  },
  {
    bug: 'The answer to a HEAD is waited for with a body.',
    file: 'src/core/http/response-facts.ts',
    from: '} else if (toHead || status === 304) this.body',
    to: '} else if (status === 304) this.body',
  },
  {
    bug: 'A response with a length and chunks is taken to be chunked.',
    file: 'src/core/http/response-facts.ts',
    from: lines('      if (this.hasLength) return refusals.lengthAndEncoding;', ''),
    to: '',
  },
  {
    bug: 'A request with a length and chunks is taken to be chunked.',
    file: 'src/core/http/request-facts.ts',
    from: lines(
      '      if (length !== -1)',
      '        return this.refuse(refusals.lengthAndEncoding',
    ),
    to: lines('      if (length === -2)', '        return this.refuse(refusals.lengthAndEncoding'),
  },
  {
    bug: 'The option close of a Connection field counts in lower case only.',
    file: 'src/core/http/connection-options.ts',
    from: "if (equalsIgnoringCase(bytes, start, end, 'close')) options.close",
    to: "if (bytes[start] === 99 && equalsIgnoringCase(bytes, start, end, 'close')) options.close",
  },
  {
    bug: 'Fields that a Connection field names are passed on.',
    file: 'src/core/http/connection-options.ts',
    from: '    if (id !== Field.connection && id !== Field.te) head.setId(field, Field.dropped);',
    to: '',
  },
  {
    bug: 'The trailers of a chunked message get lost.',
    file: 'src/core/http1/write-head.ts',
    from: lines('  if (trailers !== null) {', '    for'),
    to: lines('  if (trailers !== null && !lastChunkSent) {', '    for'),
  },
  {
    bug: 'One more than max_requests is let in.',
    file: 'src/core/table/table.ts',
    from: 'this.inFlight(slot) + this.tunnels(slot) <= this.limits[slot]',
    to: 'this.inFlight(slot) + this.tunnels(slot) <= this.limits[slot] + 1',
  },
  {
    bug: 'Tunnels do not count for max_requests.',
    file: 'src/core/table/table.ts',
    from: 'this.inFlight(slot) + this.tunnels(slot) <= this.limits[slot]',
    to: 'this.inFlight(slot) <= this.limits[slot]',
  },
  {
    bug: 'An exchange that is turned away at a backend stays counted there.',
    file: 'src/core/table/table.ts',
    from: lines('    Atomics.sub(this.exchanges, entry, 1);', '    return false;'),
    to: '    return false;',
  },
  {
    bug: 'What was in flight on a dead worker is never given back.',
    file: 'src/core/control/fleet.ts',
    from: lines('    table.clearLedger(worker);', ''),
    to: '',
  },
  {
    bug: 'A worker that hangs is not replaced.',
    file: 'src/core/control/fleet.ts',
    from: lines('    this.threads.get(worker)?.terminate();', ''),
    to: '',
  },
  {
    bug: 'A backend that is removed gives its slot back with exchanges on it.',
    file: 'src/core/control/drains.ts',
    from: '.inFlight(backend.slot) > 0 || this.table.tunnels(backend.slot) > 0) return;',
    to: '.inFlight(backend.slot) < 0) return;',
  },
  {
    bug: 'A worker takes the exchanges of a slot for those of whoever sat there before.',
    file: 'src/core/table/table.ts',
    from: ' && word >>> GENERATION_BIT === generation)',
    to: ')',
    excuse: 'the slot must change hands in the turn of a pick; table.test.ts has it',
  },
  {
    bug: 'Changes that were merged are forgotten.',
    file: 'src/core/control/schedules.ts',
    from: '(pool) => this.renew(pool));',
    to: '() => {});',
  },
  {
    bug: 'A verdict of the probes does not change who is picked.',
    file: 'src/core/control/health-watch.ts',
    from: lines('    this.schedules.refresh(pool);', '    if (verdict.to === State.down)'),
    to: '    if (verdict.to === State.down)',
  },
  {
    bug: 'Round robin gives the second turn of a cycle to the first backend.',
    file: 'src/core/balancing/schedule.ts',
    from: lines('const slot = this.slotAt(ticket % this.length);', '      if'),
    to: lines(
      'const slot = this.slotAt(ticket % this.length === 1 ? 0 : ticket % this.length);',
      '      if',
    ),
  },
  {
    bug: 'One request more than the burst is let through.',
    file: 'src/core/table/rate-table.ts',
    from: '      if (after > this.burst) return',
    to: '      if (after > this.burst + this.cost) return',
  },
  {
    bug: 'A request that is refused by a rate counts all the same.',
    file: 'src/core/table/rate-table.ts',
    from: '      if (after > this.burst) return',
    to: '      if (after > this.burst && this.replace(at, entry, tag, now + after)) return',
  },
  {
    bug: 'A cookie of the balancer names the backend behind the one it was given by.',
    file: `${ENGINE}/sticky-cookie.ts`,
    from: 'this.found = this.backends[i];',
    to: 'this.found = this.backends[(i + 1) % this.backends.length];',
  },
  {
    bug: 'Who may be ejected is asked as if nobody were ejected yet.',
    file: 'src/core/control/passive-watch.ts',
    from: '    if (ejected < mostEjected(members.length, config)) return null;',
    to: '    if (ejected < mostEjected(members.length, config) + 1) return null;',
  },
  {
    bug: 'A backend that is full of its share gets one more.',
    file: 'src/core/balancing/bounded-load.ts',
    from: '    return busy * 100 * this.weight < share;',
    to: '    return busy * 100 * this.weight <= share;',
    excuse: 'its share must come out whole; bounded-load.test.ts has it',
  },
  {
    bug: 'A reload that is refused leaves the ports open that it could open.',
    file: 'src/core/control/controller.ts',
    from: 'if (!closed.has(listener)) this.deps.engine.unlisten(listener);',
    to: '',
  },
  {
    bug: 'A reload that is refused, as the table is full, gives the pools its routes all the same.',
    file: 'src/core/control/controller.ts',
    from: '    if (problem !== null) {\n      this.endReload(next, plan, problem);',
    to: lines(
      '    if (problem !== null) {',
      '      const memories = this.memories.of(next.config);',
      '      this.deps.engine.configure(next.config, this.membersOf(this.pools), memories);',
      '      this.endReload(next, plan, problem);',
    ),
  },
  {
    bug: 'A name that cannot be looked up again loses its addresses.',
    file: 'src/core/control/names.ts',
    from: '    if (name.addresses.length > 0) {\n      const message',
    to: '    name.addresses = [];\n    if (name.addresses.length > 0) {\n      const message',
  },
  {
    bug: 'A backend keeps the addresses that its name had first.',
    file: 'src/core/control/names.ts',
    from: 'if (sameMembers(backend.addresses, addresses)) continue;',
    to: 'if (backend.addresses.length > 0) continue;',
  },
  {
    bug: 'What a client has sent for a tunnel before the 101 is overtaken by what comes later.',
    file: `${ENGINE}/request-reader.ts`,
    from: lines('    this.next = Next.tunnel;', '    this.goOn();'),
    to: '    this.next = Next.tunnel;',
  },
  {
    bug: 'A tunnel through which only the client sends is cut as if nobody did.',
    file: `${ENGINE}/backend-connection.ts`,
    from: 'if (this.state === At.tunnel) this.waitFor(this.link.engine.timeouts.tunnelIdleMs);',
    to: '',
  },
  {
    bug: 'Expect: 100-continue is not passed on.',
    file: 'src/core/http1/write-head.ts',
    from: "if (facts.expectContinue) to = writeLatin1('Expect: 100-continue\\r\\n', out, to);",
    to: '',
  },
  {
    bug: 'Sticky clients come back to a backend whose drain is long over.',
    file: 'src/core/control/drains.ts',
    from: '      this.table.setKeeps(backend.slot, false);\n      this.cut(',
    to: '      this.cut(',
  },
  {
    bug: 'A circuit whose trial came to nothing is never tried again.',
    file: 'src/core/control/circuits.ts',
    from: 'somebody else may try.\n        if (isDue) this.offerTrial(pool, watched);',
    to: 'somebody else may try.',
  },
  {
    bug: 'A reload that changes weights alone changes nothing for round robin.',
    file: 'src/core/balancing/round-robin.ts',
    from: 'same(slots, this.slots) && same(weights, this.weights)',
    to: 'same(slots, this.slots)',
    excuse: 'round robin, whose turns are exact, is one policy of many; schedules.test.ts has it',
  },
];
