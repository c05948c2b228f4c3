/**
 * Real clients through the real balancer: curl in its many ways and wrk. Every visit is made
 * directly to the backend as well, and must look the same. Others are in `client-libraries.test.ts`
 * and `browser.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './harness/command.ts';
import { findPeer, peerTitle } from './harness/peers.ts';
import { clientsRequest, type Echo, printed, Site, sha256 } from './harness/site.ts';

let site: Site;
beforeAll(async () => {
  site = await Site.open();
});
afterAll(() => site.close());

const curl = findPeer('curl');
const wrk = findPeer('wrk');

interface Answer {
  readonly status: string;
  /** Name and value, in alphabetical order, without those that concern one connection. */
  readonly fields: readonly string[];
  readonly body: string;
  /** The versions and statuses of all heads, interim ones too. */
  readonly heads: readonly string[];
  /** How much curl sent of its body. */
  readonly uploaded: number;
}

/** Fields of an answer that may differ: the connection's, and the time. */
const isOfConnection = (line: string): boolean => /^(connection|keep-alive|date):/i.test(line);

/** Runs curl for one URL of the site, whose host is the same both ways. */
async function visit(port: number, words: readonly string[], input = ''): Promise<Answer> {
  const heads = join(site.folder, `heads-${port}`);
  const common = ['-q', '-sS', '--noproxy', '*', '--max-time', '15', '-D', heads];
  const there = ['--connect-to', `site.test:80:127.0.0.1:${port}`, '-w', '\n%{size_upload}'];
  const out = printed(await runCommand(curl!, [...common, ...there, ...words], { input }));
  const end = out.lastIndexOf('\n');
  const all = readFileSync(heads, 'latin1').trimEnd().split('\r\n\r\n');
  const [status, ...fields] = all.at(-1)!.split('\r\n');
  return {
    status,
    fields: fields.filter((line) => !isOfConnection(line)).sort(),
    body: out.slice(0, end),
    heads: all.map((head) => head.split('\r\n', 1)[0]),
    uploaded: Number(out.slice(end + 1)),
  };
}

/** Sends a request to the echo both ways; returns what the backend saw through the balancer. */
async function echoed(words: readonly string[], input = ''): Promise<Echo> {
  const { body, status } = await site.bothWays(async (port) => {
    const answer = await visit(port, ['http://site.test/echo', ...words], input);
    const echo = clientsRequest(answer.body);
    const isLength = (line: string): boolean => /^content-length:/i.test(line);
    const fields = answer.fields.filter((line) => !isLength(line));
    return { ...answer, fields, body: echo };
  });
  expect(status).toMatch(/^HTTP\/1\.1 200 /);
  return body;
}

describe.skipIf(curl === null)(peerTitle('curl', curl), () => {
  const text = Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`).join('');

  it('GETs, and its fields arrive as they were', async () => {
    const { fields } = await echoed(['-H', 'X-Odd:  a, b ', '-H', 'X-Empty;', '-A', 'me/1']);
    expect(fields).toMatchObject({
      host: 'site.test',
      'user-agent': 'me/1',
      'x-odd': 'a, b',
      'x-empty': '',
    });
  });

  it('speaks HTTP/1.0, with and without a body', async () => {
    expect((await echoed(['--http1.0'])).length).toBe(0);
    const { method, length } = await echoed(['--http1.0', '-d', 'a=1&b=2']);
    expect({ method, length }).toEqual({ method: 'POST', length: 7 });
    const chunked = ['--http1.0', '-o', join(site.folder, 'old'), 'http://site.test/file?chunked'];
    await site.bothWays(async (port) => {
      const { status, fields } = await visit(port, chunked);
      const sum = sha256(readFileSync(join(site.folder, 'old')));
      expect(sum).toBe(site.fileSum);
      return { status, fields };
    });
  });

  it('sends forms, and files in parts', async () => {
    expect(await echoed(['-d', 'a=1', '-d', 'b=ü'])).toMatchObject({ method: 'POST', length: 8 });
    await site.bothWays(async (port) => {
      const words = ['http://site.test/echo', '-F', `file=@${site.file}`];
      const { method, length } = clientsRequest((await visit(port, words)).body);
      expect(length).toBeGreaterThan(site.fileBytes);
      return { method, length };
    });
  });

  it('uploads from a pipe in chunks', async () => {
    const words = ['-T', '-', '-H', 'Transfer-Encoding: chunked'];
    const { fields, length, sha256: sum } = await echoed(words, text);
    expect(fields['transfer-encoding']).toBe('chunked');
    expect({ length, sum }).toEqual({ length: text.length, sum: sha256(text) });
    expect((await echoed(words, '')).length).toBe(0);
  });

  it('waits for 100 (Continue), and then sends', async () => {
    const words = ['-H', 'Expect: 100-continue', '--expect100-timeout', '10', '-d', 'x'.repeat(99)];
    expect((await echoed(words)).length).toBe(99);
    const answer = await visit(site.balancer.port, ['http://site.test/echo', ...words]);
    expect(answer.heads).toEqual(['HTTP/1.1 100 Continue', 'HTTP/1.1 200 OK']);
  });

  it('sends nothing when the answer to Expect is a refusal', async () => {
    const words = ['-H', 'Expect: 100-continue', '--expect100-timeout', '10', '-d', 'x'.repeat(99)];
    const answer = await site.bothWays((port) =>
      visit(port, ['http://site.test/refuse', ...words]),
    );
    expect(answer).toMatchObject({ body: 'too big', uploaded: 0 });
    expect(answer.heads).toHaveLength(1);
    expect(answer.status).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each(['/', '/echo', '/file', '/file?chunked', '/assets/0.css', '/nothing'])(
    'asks for the head of %s',
    async (target) => {
      const words = ['-I', `http://site.test${target}`];
      const { status } = await site.bothWays(async (port) => {
        const { status, fields } = await visit(port, words);
        // The echo's length depends on what it was sent.
        return { status, fields: target === '/echo' ? [] : fields };
      });
      expect(status).toMatch(target === '/nothing' ? / 404 / : / 200 /);
    },
  );

  it.each([
    ['a length', []],
    ['chunks', ['-H', 'Transfer-Encoding: chunked']],
  ])('uploads a large file with %s', async (_, words) => {
    const { method, length, sha256: sum } = await echoed(['-T', site.file, ...words]);
    expect({ method, length }).toEqual({ method: 'PUT', length: site.fileBytes });
    expect(sum).toBe(site.fileSum);
  });

  it.each(['/file', '/file?chunked'])('downloads %s', async (target) => {
    await site.bothWays(async (port) => {
      const copy = join(site.folder, `copy-${port}`);
      const { status, fields } = await visit(port, ['-o', copy, `http://site.test${target}`]);
      expect(sha256(readFileSync(copy))).toBe(site.fileSum);
      return { status, fields };
    });
  });

  it('stays on one connection for several requests', async () => {
    const each = '/assets/[0-9].css';
    const words = ['-q', '-sS', '--noproxy', '*', '-w', '%{num_connects} %{http_code}\n'];
    const lines = await site.bothWays(async (port) => {
      const ended = await runCommand(curl!, [...words, `http://127.0.0.1:${port}${each}`]);
      return printed(ended).split('\n');
    });
    expect(lines.filter((line) => line === '0 200')).toHaveLength(9);
    expect(lines.filter((line) => line === '1 200')).toHaveLength(1);
  });

  it('gets fifty things at once', async () => {
    const words = ['-q', '-sS', '--noproxy', '*', '-Z', '--parallel-max', '50', '-o'];
    await site.bothWays(async (port) => {
      const copies = join(site.folder, `parallel-#1`);
      const url = `http://127.0.0.1:${port}/assets/[0-49].txt`;
      printed(await runCommand(curl!, [...words, copies, url]));
      return Array.from({ length: 50 }, (_, n) => readFileSync(join(site.folder, `parallel-${n}`)))
        .map(sha256)
        .join();
    });
  });

  it('meets no failure that only the balancer sees', () => site.expectGoodEnds(80));
});

describe.skipIf(wrk === null)(peerTitle('wrk', wrk), () => {
  const load = async (port: number, target: string): Promise<string> => {
    const words = ['-t', '1', '-c', '32', '-d', '1s', `http://127.0.0.1:${port}${target}`];
    return printed(await runCommand(wrk!, words));
  };

  it.each(['/assets/1.js', '/assets/1.txt'])('loads %s without an error', async (target) => {
    await site.bothWays(async (port) => {
      const report = await load(port, target);
      expect(report).not.toMatch(/Socket errors|Non-2xx/);
      expect(Number(/(\d+) requests in/.exec(report)?.[1]), report).toBeGreaterThan(10);
    });
  });
});
