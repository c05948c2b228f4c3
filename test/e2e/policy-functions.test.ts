/** Policy functions in the real process: every worker imports the configuration for itself. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Balancer, builtEntry, runtimePath } from './harness/balancer.ts';
import { runCommand } from './harness/command.ts';
import { Crew, names, workerOf } from './harness/crew.ts';
import { get, whoAnswers } from './harness/http-client.ts';
import { root } from './harness/root.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { until } from './harness/until.ts';

const { sharesPorts, importsTypeScript } = runtimeFacts();
const workers = sharesPorts ? 2 : 1;
const waitMs = 20_000;

const crew = new Crew();
let balancer: Balancer | null = null;

beforeAll(() => crew.open());
afterAll(() => crew.close());
afterEach(async () => {
  await balancer?.stop('SIGKILL');
  balancer = null;
});

/** A module whose policy is this; `before`: what stands above it. */
const moduleOf = (policy: string, before = ''): string => {
  const config = { workers, port: '$PORT', policy: '$POLICY', backends: crew.members };
  const text = JSON.stringify(config).replace('"$PORT"', '$PORT').replace('"$POLICY"', policy);
  return `${before}\nexport default ${text};\n`;
};

const start = async (config: string, fileName = 'evenkeel.config.mjs'): Promise<Balancer> => {
  balancer = await Balancer.start({ config, fileName });
  await balancer.logged('started', waitMs);
  return balancer;
};

/** Who answers a request with this field. */
async function whoIs({ port }: Balancer, to: string): Promise<string> {
  const { body } = await get(port, '/path', `X-To: ${to}\r\n`);
  return /^Response from (.*)\n$/.exec(body)?.[1] ?? body;
}

/** So often one after the other that every worker was asked. */
async function inARow({ port }: Balancer, name: string): Promise<void> {
  let row = 0;
  const isLongEnough = async (): Promise<boolean> => {
    row = (await whoAnswers(port)) === name ? row + 1 : 0;
    return row === 12;
  };
  await until(`${name} answers in every worker`, isLongEnough, waitMs);
}

/** How many workers have carried an exchange. */
const workersOf = ({ output }: Balancer): number =>
  new Set([...output.matchAll(/"request_id":"([^"]+)"/g)].map(([, id]) => workerOf(id))).size;

const BY_HEADER =
  '(candidates, request) => candidates.find(({ name }) => name === request.header("x-to"))';

describe('a policy function', () => {
  it('chooses in every worker, and where it chooses nobody it is whose turn it is', async () => {
    const one = await start(moduleOf(BY_HEADER));
    for (let round = 0; workersOf(one) < workers || round < 6; round++) {
      for (const name of names) expect(await whoIs(one, name)).toBe(name);
    }
    const turns: string[] = [];
    for (let n = 0; n < 6; n++) turns.push(await whoIs(one, 'nobody'));
    expect(turns.slice(0, 3).sort()).toEqual(names);
    expect(turns.slice(3)).toEqual(turns.slice(0, 3));
    expect(one.output).not.toContain('policy_failed');
  });

  it('that throws or answers rubbish is counted, and every client has its answer', async () => {
    const odd = `function pickOddly(candidates, request) {
      if (request.attempt !== 1) return null;
      if (request.header('x-to') === 'throw') throw new RangeError('no such place');
      return Promise.resolve(candidates[0]);
    }`;
    const one = await start(moduleOf(odd));
    for (let n = 0; n < 4; n++) {
      expect(names).toContain(await whoIs(one, 'throw'));
      expect(names).toContain(await whoIs(one, 'rubbish'));
    }
    const said = await one.logged('policy_failed', waitMs);
    expect(said).toMatchObject({ level: 'error', pool: 'default', failures: 1, total: 1 });
    expect(said?.message).toContain(
      'the policy function pickOddly failed, so round robin chose instead: RangeError: no such',
    );
    expect(said?.stack).toMatch(/pickOddly.*evenkeel\.config\.mjs/);
    // More of them are said later, in one line.
    expect(one.logs().filter(({ event }) => event === 'policy_failed')).toHaveLength(1);
  });

  it('becomes another with a reload, in every worker at once', async () => {
    const one = await start(moduleOf('(candidates) => candidates[0]'));
    for (let n = 0; n < 6; n++) expect(await whoAnswers(one.port)).toBe('server-1');
    await one.reload(moduleOf('(candidates) => candidates[2]'));
    expect(await one.logged('reloaded', waitMs)).not.toBeNull();
    await inARow(one, 'server-3');
    await one.reload(`${moduleOf('"round_robin"')}// A word again.`);
    await until('it is in turn', async () => (await whoAnswers(one.port)) === 'server-1', waitMs);
  });

  it('goes on when a reload brings one that no worker can import', async () => {
    const one = await start(moduleOf('(candidates) => candidates[1]'));
    const threads = 'import { isMainThread } from "node:worker_threads";';
    const fails = `${threads}\nif (!isMainThread) throw new Error('not in a worker');`;
    await one.reload(moduleOf('(candidates) => candidates[0]', fails));
    const refusals = (): unknown[] =>
      one.logs().flatMap(({ event, message }) => (event === 'reload_refused' ? [message] : []));
    await until('it is refused', () => refusals().length === 2, waitMs);
    expect(refusals()[0]).toMatch(
      /^worker \d: \S+evenkeel\.config\.mjs could not be loaded: Error: not in a worker$/,
    );
    const differs = 'isMainThread ? (candidates) => candidates[0] : () => null';
    await one.reload(moduleOf(differs, threads));
    await until('it is refused again', () => refusals().length === 4, waitMs);
    expect(refusals()[2]).toMatch(
      /pool default has another policy in a worker than in the main thread; the module must export/,
    );
    for (let n = 0; n < 6; n++) expect(await whoAnswers(one.port)).toBe('server-2');
  });

  it('is not started with when workers cannot import it', async () => {
    const fails =
      'import { isMainThread } from "node:worker_threads";\n' +
      'if (!isMainThread) throw new Error("not in a worker");';
    const text = moduleOf('() => null', fails).replaceAll('$PORT', '0');
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-functions-'));
    writeFileSync(join(folder, 'evenkeel.config.mjs'), text);
    const words = [builtEntry, 'run', 'evenkeel.config.mjs'];
    const { code, err } = await runCommand(runtimePath(), words, { cwd: folder });
    rmSync(folder, { recursive: true });
    expect(err).toMatch(/could not be loaded: Error: not in a worker\n1 problem; nothing was st/);
    expect(code).toBe(78);
  });
});

describe('a worker that takes the place of another', () => {
  const MORTAL = `(candidates, request) => {
    if (request.header('x-to') === 'exit') process.exit(3);
    return candidates[2];
  }`;

  async function replace(one: Balancer): Promise<void> {
    await whoIs(one, 'exit');
    expect(await one.logged('worker_died', waitMs)).not.toBeNull();
    const serves = async (): Promise<boolean> => (await whoAnswers(one.port)).startsWith('server');
    await until('one serves', () => serves().catch(() => false), waitMs);
  }

  it('has the same policy function', async () => {
    const one = await start(moduleOf(MORTAL));
    await replace(one);
    const before = workersOf(one);
    await until('the new one takes part', async () => {
      expect(await whoAnswers(one.port)).toBe('server-3');
      return workersOf(one) > before || workers === 1;
    });
    expect(one.logs().some(({ event }) => event === 'policy_missing')).toBe(false);
  });

  it('goes on by round robin if the file has changed since, until a reload', async () => {
    const one = await start(moduleOf(MORTAL));
    const next = moduleOf('(candidates) => candidates[1]');
    one.write(next);
    await replace(one);
    expect((await one.logged('policy_missing', waitMs))?.message).toMatch(
      /goes on by round robin, .*evenkeel\.config\.mjs has changed since it was read; reload/,
    );
    await until('it is in turn', async () => (await whoAnswers(one.port)) === 'server-1', waitMs);
    await one.reload(next);
    expect(await one.logged('reloaded', waitMs)).not.toBeNull();
    await inARow(one, 'server-2');
  });
});

describe('examples/policy-function', () => {
  it.skipIf(!importsTypeScript)('sends clients to their region', async () => {
    const file = join(root, 'examples/policy-function/evenkeel.config.ts');
    let text = readFileSync(file, 'utf8').replace('8080', '$PORT');
    crew.members.forEach(({ url }, n) => {
      text = text.replace(`http://localhost:900${n + 1}`, url);
    });
    // Where it is written the package is not installed.
    const door = join(root, 'src/config/define-config.ts');
    const config = text.replace("'evenkeel/config'", `'${door}'`);
    const one = await start(config, 'evenkeel.config.ts');
    const from = async (region: string): Promise<string> => {
      const { body } = await get(one.port, '/', `X-Region: ${region}\r\n`);
      return body;
    };
    for (let n = 0; n < 6; n++) expect(await from('us')).toBe('Response from server-3\n');
    const home = await from('eu');
    expect(home).not.toContain('server-3');
    for (let n = 0; n < 6; n++) expect(await from('eu')).toBe(home);
    const anybody = new Set<string>();
    for (let n = 0; n < 6; n++) anybody.add(await from('asia'));
    expect(anybody.size).toBe(3);
    expect(one.output).not.toContain('policy_failed');
  });

  it.skipIf(!importsTypeScript)('is good as it stands', async () => {
    const words = [builtEntry, 'check', 'evenkeel.config.ts'];
    const cwd = join(root, 'examples/policy-function');
    const { out, code } = await runCommand(runtimePath(), words, { cwd });
    expect([code, out]).toEqual([0, expect.stringContaining('function byRegion')]);
  });
});
