/**
 * Clients in other languages through the real balancer: Python's requests and http.client, and
 * Go's net/http. Every visit is made directly to the backend as well, and must look the same.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './harness/command.ts';
import { findPeer, peerTitle } from './harness/peers.ts';
import { clientsRequest, printed, Site } from './harness/site.ts';
import { Stage } from './harness/stage.ts';

const peer = (name: string): string => fileURLToPath(new URL(`peers/${name}`, import.meta.url));
const imports = async (program: string, library: string): Promise<boolean> =>
  (await runCommand(program, ['-c', `import ${library}`])).code === 0;

/** The Python that has this library, or null: Debian's packages are for its own Python only. */
async function pythonWith(library: string): Promise<string | null> {
  for (const program of [findPeer('python3'), '/usr/bin/python3']) {
    if (program !== null && (await imports(program, library))) return program;
  }
  return null;
}

const pythons = [
  ['http.client', await pythonWith('http.client')],
  ['requests', await pythonWith('requests')],
] as const;
const go = findPeer('go');

describe('Python', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  });
  afterAll(() => site.close());

  for (const [library, python] of pythons) {
    const title = `${library} uploads from generators, on one connection`;
    it.skipIf(python === null)(peerTitle(title, python), async () => {
      const { answers, sums } = await site.bothWays(async (port) => {
        const words = [peer('upload.py'), library, `http://127.0.0.1:${port}/echo`];
        const { answers, sums } = JSON.parse(printed(await runCommand(python!, words))) as Uploads;
        const echoes = answers.map(({ status, echo }) => {
          const { host, ...fields } = clientsRequest(JSON.stringify(echo)).fields;
          return { ...echo, status, fields, isHostOurs: host === `127.0.0.1:${port}` };
        });
        return { answers: echoes, sums };
      });
      expect(answers.map(({ sha256 }) => sha256)).toEqual(sums);
      expect(answers.map(({ length }) => length)).toEqual([0, 7000, 350_000]);
      for (const { status, fields, isHostOurs } of answers) {
        expect({ status, isHostOurs }).toEqual({ status: 200, isHostOurs: true });
        expect(fields['transfer-encoding']).toBe('chunked');
      }
      await site.expectGoodEnds(3);
    });
  }
});

interface Uploads {
  readonly answers: readonly {
    readonly status: number;
    readonly echo: { fields: Record<string, string>; length: number; sha256: string };
  }[];
  readonly sums: readonly string[];
}

interface Streamed {
  readonly status: number;
  readonly proto: string;
  readonly length: number;
  readonly body: string;
  readonly trailer: Record<string, string[]>;
  readonly reused: boolean;
}

describe.skipIf(go === null)(peerTitle('Go', go), () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-go-'));
  const program = join(folder, 'streamer');
  let stage: Stage;

  beforeAll(async () => {
    const environment = ['GO111MODULE=off', 'GOFLAGS=', 'GOTOOLCHAIN=local', 'GOPROXY=off'];
    // The cache outlives the test: the second build takes a moment only.
    const cache = `GOCACHE=${join(tmpdir(), `evenkeel-go-cache-${process.getuid?.()}`)}`;
    const words = [...environment, cache, go!, 'build', '-o', program, peer('streamer.go')];
    printed(await runCommand('env', words, { timeoutMs: 55_000 }));
    stage = await Stage.open();
  });
  afterAll(async () => {
    await stage?.close();
    rmSync(folder, { recursive: true });
  });

  async function stream(port: number): Promise<Streamed[]> {
    const url = `http://127.0.0.1:${port}/stream`;
    return JSON.parse(printed(await runCommand(program, [url, '3']))) as Streamed[];
  }

  it('streams bodies of unknown length on one connection, and reads trailers', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Note\r\n\r\n';
    const bytes = `${head}5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\nX-Note: a b\r\n\r\n`;
    const seen = [];
    for (const port of [stage.backend.port, stage.balancer.port]) {
      stage.backend.forget();
      stage.backend.play([{ bytes, after: 'keep' }]);
      const answers = await stream(port);
      const requests = stage.backend.requests.map(({ message, connection }) => {
        expect(connection.problem()).toBeNull();
        const { method, target, body, trailers } = message;
        return { method, target, body, trailers };
      });
      seen.push({ answers, requests });
    }
    const [direct, through] = seen;
    expect(through).toEqual(direct);
    const trailer = { 'X-Sum': ['11'], 'X-Note': ['a b'] };
    const answer = { status: 200, proto: 'HTTP/1.1', length: -1, body: 'hello world', trailer };
    expect(through.answers).toEqual([
      { ...answer, reused: false },
      { ...answer, reused: true },
      { ...answer, reused: true },
    ]);
    expect(through.requests[2]).toEqual({
      method: 'POST',
      target: '/stream',
      body: 'piece 0 of 2\npiece 1 of 2\npiece 2 of 2\n',
      trailers: [{ name: 'x-pieces', value: '3' }],
    });
  });
});
