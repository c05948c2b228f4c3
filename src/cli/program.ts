/** What can be typed. Every command is a function from a terminal and its words to an exit code. */
import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { didYouMean } from '../config/diagnostics.ts';
import { runtime, version } from './about.ts';
import { backend } from './backend.ts';
import { check } from './check.ts';
import { demo } from './demo.ts';
import { ExitCode } from './exit-code.ts';
import { type ExplainOptions, explain } from './explain.ts';
import { runFile, runTargets } from './run.ts';
import { simulate } from './simulate.ts';
import type { SimulateFlags } from './simulate-flags.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  evenkeel demo                       three backends and a balancer, to see it work
  evenkeel 9001 9002 9003             balance over three ports of this machine
  evenkeel --to http://a:80 http://b:80 --port 80
  evenkeel run config.yaml            balance as a file says
  evenkeel check config.yaml          is the file good?
  evenkeel explain GET /login         where would this request go, and why?
  evenkeel simulate config.yaml       what would each policy make of this traffic?

Signals: TERM and INT stop in order, twice: at once; QUIT waits without a deadline; HUP reloads.
Exit codes: 0 stopped in order, 1 failure, 2 wrong usage, 78 wrong configuration.
`;

/** `9001` or a word with a colon can be balanced over; any other is a mistyped command. */
const isTarget = (word: string): boolean => /^\d+$/.test(word) || word.includes(':');

/** Runs what was typed (without the program's own name); resolves with the exit code. */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok;
  const program = buildProgram(terminal, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version that were asked for come as errors with code 0.
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
}

function buildProgram(terminal: Terminal, ended: (code: ExitCode) => void): Command {
  const program = new Command('evenkeel')
    .description('A load balancer: shares HTTP requests over backends, and leaves out the dead.')
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(evenkeel --help shows what there is)')
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHasColors: () => terminal.colour,
      getErrHasColors: () => false,
    })
    .version(`evenkeel ${version} (${runtime})`, '-v, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', EXAMPLES);
  addRun(program, terminal, ended);
  addExplain(program, terminal, ended);
  addSimulate(program, terminal, ended);
  addTools(program, terminal, ended);
  program.helpCommand('help [command]', 'show help for a command');
  return program
    .argument('[targets...]', 'ports of this machine, or URLs, to balance over')
    .option('--to <url...>', 'balance over these URLs')
    .option('-p, --port <port>', 'listen on this port (default: 8080)')
    .action(async (targets: string[], options: { to?: string[]; port?: string }) => {
      const all = [...targets, ...(options.to ?? [])];
      const wrong = targets.find((word) => !isTarget(word));
      if (wrong !== undefined) {
        if (existsSync(wrong)) {
          program.error(`error: "${wrong}" is a file; write: evenkeel run ${wrong}`);
        }
        const names = program.commands.map((command) => command.name());
        program.error(`error: unknown command "${wrong}"${didYouMean(wrong, names)}`);
      }
      if (all.length === 0 && options.port === undefined) program.help({ error: true });
      ended(await runTargets(terminal, all, options.port));
    });
}

const DEFAULT_FILE = 'default: config.yaml, else evenkeel.config.ts or evenkeel.config.mjs';

function addRun(program: Command, terminal: Terminal, ended: (code: ExitCode) => void): void {
  program
    .command('run')
    .description('run the balancer of a configuration file')
    .argument('[config]', DEFAULT_FILE)
    .action(async (config: string | undefined) => ended(await runFile(terminal, config)));
  program
    .command('check')
    .description('say what is wrong with a configuration, all of it, and start nothing')
    .argument('[config]', DEFAULT_FILE)
    .option('--print', 'print the configuration as it will be used, with every default')
    .action(async (config: string | undefined, options: { print?: boolean }) => {
      ended(await check(terminal, config, options.print === true));
    });
}

/** For an option that may be given more than once. */
const another = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

function addExplain(program: Command, terminal: Terminal, ended: (code: ExitCode) => void): void {
  program
    .command('explain')
    .description('say what would become of a request, and why; nothing is sent')
    .argument('<method>', 'GET, POST, ...')
    .argument('<url>', 'http://host:port/path, or a path alone')
    .option('-c, --config <file>', DEFAULT_FILE)
    .option('-H, --header <line>', 'a header, as "Name: value"; more than once for more', another)
    .option('--from <address>', 'who connects (default: 127.0.0.1)')
    .option('--down <backend>', 'as if this backend were down; pool/backend for one pool', another)
    .option('--drain <backend>', 'as if it were drained', another)
    .option('--busy <backend=n>', 'as if so many requests were in flight there', another)
    .option('--seed <number>', 'from which chance is drawn (default: 1)')
    .option('--json', 'for machines')
    .action(async (method: string, url: string, options: ExplainOptions) => {
      ended(await explain(terminal, method, url, options));
    });
}

function addSimulate(program: Command, terminal: Terminal, ended: (code: ExitCode) => void): void {
  program
    .command('simulate')
    .description('pretend traffic and trouble, and compare what policies make of it')
    .argument('[config]', DEFAULT_FILE)
    .option('--scenario <file>', 'traffic, services and events from a file (docs/simulate.md)')
    .option('--rate <rate>', 'requests: 2000/s, or 60% of what all backends can do (default)')
    .option('--clients <number>', 'instead: so many clients, which wait for their answers')
    .option('--think <time>', 'how long such a client thinks (default: 1s)')
    .option('--replay <log>', 'instead: the requests of an access log in JSON, at their times')
    .option('--for <time>', 'how long (default: 1m, or until 1m after the last event)')
    .option('--start <time of day>', 'when that begins, if events are meant by the clock')
    .option('--service <time>', 'what a request takes on average (default: 10ms)')
    .option('--concurrency <number>', 'requests that a backend works on at once (default: 8)')
    .option('--slow <event>', 'server-3=5x@2m: five times slower from then on, or @2m-4m', another)
    .option('--down <event>', 'server-3@2m: refuses connections from then on, or @2m-4m', another)
    .option('--policies <names>', "which to compare (default: the pool's and three more)")
    .option('--pool <name>', 'which pool, if there are several (default: default)')
    .option('--seed <number>', 'other numbers are other requests (default: 1)')
    .option('--report <file>', 'write a page of charts: report.html')
    .action(async (config: string | undefined, flags: SimulateFlags) => {
      ended(await simulate(terminal, config, flags));
    });
}

function addTools(program: Command, terminal: Terminal, ended: (code: ExitCode) => void): void {
  program
    .command('demo')
    .description('three backends and a balancer, to see it work')
    .action(async () => ended(await demo(terminal)));
  const tool = program
    .command('backend')
    .description('a backend to try things with: answers "Response from NAME", 200 on /health')
    .argument('<port>', 'the port to listen on')
    .argument('<name>', 'what it calls itself')
    .action(async (port: string, name: string, options: { withInput?: boolean }) => {
      ended(await backend(terminal, port, name, options.withInput === true));
    });
  tool.addOption(tool.createOption('--with-input', 'stop when standard input ends').hideHelp());
}
