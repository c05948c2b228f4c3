/**
 * A small part of the fuzzing in every test run; `npm run fuzz` is the long one. A stream that
 * fails is printed with its seed. `EVENKEEL_SEED=7` replaces the fresh seed.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import process from 'node:process';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/core/base/rng.ts';
import { loadCaptured } from './captured.ts';
import { check, checkValid, type Finding, newTally, runSeed, type Tally } from './differential.ts';
import { generate } from './grammar.ts';
import { mutate } from './mutate.ts';
import { readWhole } from './ours.ts';
import { acceptsAll, type Message, readable, unreadable } from './reading.ts';
import { TheirReader } from './theirs.ts';

const captured = loadCaptured(fileURLToPath(new URL('captured', import.meta.url)));
const texts = captured.map((each) => each.text);
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const STREAMS = 10_000;
/** Three seconds each, on a machine that does nothing else. */
const PATIENCE_MS = 240_000;

const told = (finding: Finding | null, about: string): string | null =>
  finding === null ? null : `${about}: ${finding.sentence}\n${readable(finding.text)}`;

function runSeeds(first: number): Tally {
  const tally = newTally();
  for (let seed = first; seed < first + STREAMS; seed++) {
    expect(told(runSeed(seed, texts, tally), `seed ${seed}`)).toBeNull();
  }
  return tally;
}

describe('mutated streams', () => {
  it(
    'have the same borders for Node and for us, from a fixed seed',
    () => {
      const tally = runSeeds(1);
      expect(tally.valid).toBe(STREAMS);
      expect(tally.acceptedByBoth / STREAMS).toBeGreaterThan(0.3);
    },
    PATIENCE_MS,
  );

  it(
    'have the same borders for Node and for us, from a fresh seed',
    () => {
      const { EVENKEEL_SEED } = process.env;
      const seed = EVENKEEL_SEED === undefined ? Date.now() % 1e9 : Number(EVENKEEL_SEED);
      process.stdout.write(`fuzzing from seed ${seed}\n`);
      expect(runSeeds(seed).acceptedByBoth / STREAMS).toBeGreaterThan(0.3);
    },
    PATIENCE_MS,
  );
});

describe('streams of real clients', () => {
  it.each(captured)('$name', ({ name, text }) => {
    const ours = readWhole(latin1(text));
    expect(acceptsAll(ours), ours.why).toBe(true);
    expect(ours.messages.length).toBeGreaterThan(0);
    const tally = newTally();
    expect(told(check(text, createRng(1), tally), name)).toBeNull();
    expect(tally.acceptedByBoth).toBe(1);
  });

  it('come from curl, wrk, Chromium, Go, Java and Python', () => {
    const clients = new Set(captured.map(({ name }) => name.split('-')[0]));
    expect([...clients].sort()).toEqual(['chromium', 'curl', 'go', 'java', 'python', 'wrk']);
  });
});

/** What a server of Node's makes of a stream, over no network. */
async function serve(text: string): Promise<Pick<Message, 'method' | 'target' | 'body'>[]> {
  const seen: Pick<Message, 'method' | 'target' | 'body'>[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      seen.push({ method: request.method!, target: request.url!, body });
      response.end();
    });
  });
  // A socket that cannot be read is one error; so are bytes that are no request.
  server.on('clientError', (_error, socket) => socket.destroy());
  const client = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  server.emit('connection', client);
  client.push(latin1(text));
  client.push(null);
  await once(client, 'close');
  return seen;
}

describe('the other parser', () => {
  it("is what Node's server runs", async () => {
    const theirs = new TheirReader();
    for (let seed = 1; seed <= 300; seed++) {
      const rng = createRng(seed);
      const { text } = generate(rng, true);
      // After a request for an upgrade the server forgets what came in the same read.
      if (/^upgrade:/im.test(text)) continue;
      const read = theirs.read(latin1(text));
      const seen = await serve(text);
      const meant = read.messages.map(({ method, target, body }) => ({ method, target, body }));
      expect(seen, readable(text)).toEqual(meant);
    }
  });

  it.each([
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'whole', 1],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\nGET', 'partial', 1],
    ['POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na', 'partial', 0],
    ['GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET', 'closed', 1],
    ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 'closed', 1],
    ['GET / HTTP/1.1\r\nA : b\r\n\r\n', 'refused', 0],
    [
      'GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\nGET / HTTP/1.1\r\n\r\n',
      'whole',
      2,
    ],
  ])('%j is %s', (text, end, messages) => {
    const reading = new TheirReader().read(latin1(text));
    expect(reading.end).toBe(end);
    expect(reading.messages).toHaveLength(messages);
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\t\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' +
      '0\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\n' +
      'Transfer-Encoding: chunked\t\r\n\r\n1\r\na\r\n0\r\n\r\n',
    'GET / HTTP/1.0\r\nConnection: keep-alive\t\r\n\r\n' +
      'get / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n',
  ])('may read %j otherwise, which is known', (text) => {
    // Newer parsers have caught up with some of these: then there is nothing to be known.
    expect(check(text, createRng(1), newTally())).toBeNull();
  });

  it('is reported when it sees another stream than was meant', () => {
    const { text, messages } = generate(createRng(5), true);
    const rng = createRng(1);
    expect(checkValid({ text, messages }, true, rng)).toBeNull();
    const [first, ...rest] = messages;
    const wrong = [{ ...first, body: `${first.body}x` }, ...rest];
    expect(checkValid({ text, messages: wrong }, true, rng)?.sentence).toContain('body');
  });
});

describe('mutation', () => {
  it('is decided by the seed, and always changes the stream', () => {
    const mutant = (seed: number): string => {
      const rng = createRng(seed);
      const { text } = generate(rng, true);
      const changed = mutate(rng, text, () => generate(rng, true).text);
      expect(changed).not.toBe(text);
      return changed;
    };
    for (let seed = 1; seed <= 200; seed++) expect(mutant(seed)).toBe(mutant(seed));
  });
});

describe('the readable form', () => {
  it('keeps every byte', () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    for (const text of [every, '\\n\\x00\r\n\\', 'a\n\nb', '\\\\x41']) {
      expect(unreadable(readable(text))).toBe(text);
      expect(readable(text)).toMatch(/^[\n\x20-\x7e]*$/);
    }
  });
});
