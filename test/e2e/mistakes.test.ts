/**
 * What a user sees who has made a mistake: where it is, what to write instead, and an exit code
 * that says whether trying again can help. What each mistake is called is in `test/golden/config`.
 */
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtEntry, freePort, runtimePath } from './harness/balancer.ts';
import { type Ended, runCommand } from './harness/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-mistakes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const isRoot = process.getuid?.() === 0;
const skipped = isRoot ? ' (skipped: root may)' : '';
const backends = 'backends: [http://localhost:9001]\n';

/** Writes the file and runs it, in its folder. */
function run(file: string, text: string): Promise<Ended> {
  writeFileSync(join(folder, file), text);
  return runFile(file);
}

const runFile = (file: string): Promise<Ended> =>
  runCommand(runtimePath(), [builtEntry, 'run', file], { cwd: folder });

const refuses = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });

describe('a wrong configuration', () => {
  it('ends with 78 and every mistake at its place; nothing is started', async () => {
    const text = [
      'prot: 8080',
      'backends:',
      '  - url: localhost:9001',
      '    weight: 0',
      'health_check: {interval: 2s, timeout: 2s}',
      'error_pages: {503: pages/503.html}',
    ].join('\n');
    expect(await run('config.yaml', text)).toEqual({
      code: 78,
      out: '',
      err: [
        'config.yaml:1:1 prot: unknown key; did you mean "port"?',
        '    1 | prot: 8080',
        '      | ^^^^',
        'config.yaml:3:10 backends[0].url: "localhost:9001" has no scheme; ' +
          'write http://localhost:9001',
        '    3 |   - url: localhost:9001',
        '      |          ^^^^^^^^^^^^^^',
        'config.yaml:4:13 backends[0].weight: 0 is out of range; ' +
          'write 1 or more; to take a backend out, remove it and reload',
        '    4 |     weight: 0',
        '      |             ^',
        'config.yaml:5:39 health_check.timeout: "2s" is not below the interval (2s); ' +
          'write a shorter timeout, or interval: 4s',
        '    5 | health_check: {interval: 2s, timeout: 2s}',
        '      |                                       ^^',
        'config.yaml:6:20 error_pages.503: there is no file pages/503.html ' +
          `(looked for ${join(folder, 'pages/503.html')}); check the path, or create it`,
        '    6 | error_pages: {503: pages/503.html}',
        '      |                    ^^^^^^^^^^^^^^',
        '5 problems; nothing was started',
        '',
      ].join('\n'),
    });
  });

  it('may be a file that is missing, a directory, or no text', async () => {
    mkdirSync(join(folder, 'directory'));
    writeFileSync(join(folder, 'bytes.yaml'), Buffer.from([0x61, 0x0a, 0xff]));
    const cases = [
      ['nowhere.yaml', 'there is no file nowhere.yaml; write it or name another'],
      ['directory', 'directory is a directory; name a file in it'],
      ['bytes.yaml', 'bytes.yaml:2:1 is not UTF-8 text; save it as UTF-8'],
    ];
    for (const [file, words] of cases) {
      const { code, out, err } = await runFile(file);
      expect({ code, out, err }).toEqual({
        code: 78,
        out: '',
        err: expect.stringContaining(words),
      });
    }
  });

  it.skipIf(isRoot)(`may be a file that must not be read${skipped}`, async () => {
    writeFileSync(join(folder, 'secret.yaml'), backends);
    chmodSync(join(folder, 'secret.yaml'), 0);
    const { code, err } = await runFile('secret.yaml');
    expect(code).toBe(78);
    expect(err).toContain('no permission to read secret.yaml; make it readable for the user');
  });

  it('may be a module that is no JavaScript', async () => {
    const { code, err } = await run('config.mjs', 'export default {\n  port: 80 80,\n};\n');
    expect(code).toBe(78);
    const where = /(node --check config\.mjs shows the place|\(line 2, column \d+\))\n/;
    expect(err).toMatch(/^config\.mjs: could not be loaded: /);
    expect(err).toMatch(where);
  });
});

describe('a port that cannot be had', () => {
  let owner: Server;
  let taken: number;
  beforeAll(async () => {
    owner = createServer().listen(0);
    await once(owner, 'listening');
    taken = (owner.address() as AddressInfo).port;
  });
  afterAll(() => void owner.close());

  it('ends with 1 and the name of who has it', async () => {
    const { code, err } = await run('taken.yaml', `port: ${taken}\n${backends}`);
    expect(code).toBe(1);
    expect(err).toContain(`cannot listen on port ${taken}: `);
    expect(err).toContain(
      `(pid ${process.pid}) is using it; ` +
        `stop it (kill ${process.pid}), or change the port in taken.yaml\n`,
    );
  });

  it('leaves no other listener open', async () => {
    const free = await freePort();
    const listeners = `listeners: [{port: ${free}}, {port: ${taken}}]\n`;
    expect((await run('two.yaml', listeners + backends)).code).toBe(1);
    expect(await refuses(free)).toBe(true);
  });

  it('may be on an address of another machine', async () => {
    const address = `port: 0\naddress: 203.0.113.1\n${backends}`;
    const { code, err } = await run('elsewhere.yaml', address);
    expect(code).toBe(1);
    expect(err).toMatch(/is not an address of this machine; write one that it has, or leave/);
  });

  it.skipIf(isRoot || firstOpenPort() <= 80)(
    `may be one that only root may open${skipped}`,
    async () => {
      const { code, err } = await run('low.yaml', `port: 80\n${backends}`);
      expect(code).toBe(1);
      expect(err).toContain('cannot listen on port 80: not permitted; one of these helps:\n');
      expect(err).toContain('change the port in low.yaml, from 1024 on\n');
    },
  );
});

/** The least port that everybody may open. */
function firstOpenPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}
