import { describe, expect, it } from 'vitest';
import { version } from './about.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { runCommandLine } from './program.ts';

async function type(line: string) {
  const terminal = fakeTerminal();
  const code = await runCommandLine(line.split(' ').filter(Boolean), terminal);
  return { code, ...terminal.said };
}

describe('the command line', () => {
  it('shows the commands, common ones first, and examples', async () => {
    const { code, out, err } = await type('--help');
    expect([code, err]).toEqual([0, '']);
    const commands = [...out.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]);
    expect(commands.filter((name) => !['targets', 'evenkeel'].includes(name))).toEqual([
      'run',
      'check',
      'explain',
      'simulate',
      'demo',
      'backend',
      'help',
    ]);
    expect(out).toContain('evenkeel 9001 9002 9003');
    expect(out).not.toContain('--with-input');
  });

  it('shows the version', async () => {
    const { code, out } = await type('--version');
    expect(code).toBe(0);
    expect(out).toContain(version);
  });

  it('shows the help and fails when nothing was typed', async () => {
    const { code, out, err } = await type('');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('Usage: evenkeel');
  });

  it.each([
    ['chekc', 'unknown command "chekc"; did you mean "check"?'],
    ['9001 rnu', 'unknown command "rnu"; did you mean "run"?'],
    ['check --prnt', "unknown option '--prnt'"],
    ['run a b', 'too many arguments'],
    ['run --port 80 a', "unknown option '--port'"],
    ['backend 9001', "missing required argument 'name'"],
    ['explain GET', "missing required argument 'url'"],
    ['9001 --port', "option '-p, --port <port>' argument missing"],
    ['9001 --port eighty', '--port'],
    ['--to localhost:9001', 'write http://localhost:9001'],
    ['--port 8080', 'nothing to balance'],
  ])('evenkeel %s is wrong usage', async (line, message) => {
    const { code, out, err } = await type(line);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });

  it('gives wrong configurations an exit code of their own', async () => {
    const { code, err } = await type('run /nowhere/config.yaml');
    expect(code).toBe(78);
    expect(err).toContain('/nowhere/config.yaml');
  });

  it('offers to start without a file where something is to be started', async () => {
    const missing = 'there is no file /no.yaml; write it or name another';
    const { err } = await type('run /no.yaml');
    expect(err).toContain(`${missing}, or start without one: evenkeel 9001 9002 9003
`);
    for (const line of ['check /no.yaml', 'explain GET / -c /no.yaml', 'simulate /no.yaml']) {
      expect((await type(line)).err).toContain(`${missing}
`);
    }
  });

  it('says how a file is run', async () => {
    const { code, err } = await type('package.json');
    expect(code).toBe(2);
    expect(err).toContain('"package.json" is a file; write: evenkeel run package.json\n');
  });
});
