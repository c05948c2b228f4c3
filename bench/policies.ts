/**
 * `npm run bench:policies`: ten servers, of which one is slow, fails at once, or hangs, behind each
 * policy of ours and of HAProxy and nginx. The rate is constant, so that a stall shows in every
 * request it delays. What counts is latency and errors; nobody checks health or gives up on a
 * server, so that all there is to see is the choice.
 */
import process from 'node:process';
import { placers, policies } from '../src/core/balancing/balancing.ts';
import type { PolicyName } from '../src/core/config.ts';
import type { Kind } from './backends/ten.ts';
import { node24, runtimeAt } from './contestants/runtimes.ts';
import type { LoadReport } from './load/report.ts';
import { ask, freePorts, processors } from './machine.ts';
import { git, root } from './repository.ts';
import { ownLoad } from './scenarios/own-load.ts';
import { type Command, Stage, untilServing } from './stage.ts';

const SERVERS = 10;
/** A quarter of what ten good servers can do. */
const REQUESTS_PER_SECOND = 2000;
const CONNECTIONS = 256;
/** Whoever has not answered in so long never will. */
const TIMEOUT_S = 1;
/** A runtime compiles meanwhile. */
const WARM_UP_SECONDS = 5;
const KINDS: readonly Kind[] = ['good', 'slow', 'failing', 'hanging'];

interface Contestant {
  readonly name: string;
  command(stage: Stage, port: number, servers: readonly number[]): Command;
}

const lines = (servers: readonly number[], line: (port: number, i: number) => string): string =>
  servers.map(line).join('\n');

function ours(policy: string): Contestant {
  const runtime = node24() ?? runtimeAt(process.execPath)!;
  return {
    name: `Evenkeel ${policy}`,
    command: (stage, port, servers) => {
      const text = `port: ${port}
address: 127.0.0.1
policy: ${policy}
timeouts: {response: ${TIMEOUT_S}s}
log: {access: false}
workers: 1
backends:
${lines(servers, (server) => `  - http://127.0.0.1:${server}`)}
`;
      const file = stage.write(`${policy}-${port}.yaml`, text);
      return { argv: [runtime.path, `${root}/dist/src/cli/main.js`, 'run', file] };
    },
  };
}

function haproxy(balance: string): Contestant {
  return {
    name: `HAProxy ${balance}`,
    command: (stage, port, servers) => {
      const text = `global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 3s
    timeout client 1h
    timeout server ${TIMEOUT_S}s
    http-reuse always
frontend front
    bind 127.0.0.1:${port}
    default_backend servers
backend servers
    balance ${balance}
${lines(servers, (server, i) => `    server s${i} 127.0.0.1:${server}`)}
`;
      return { argv: ['haproxy', '-db', '-f', stage.write(`haproxy-${port}.cfg`, text)] };
    },
  };
}

function nginx(name: string, directive: string): Contestant {
  return {
    name: `nginx ${name}`,
    command: (stage, port, servers) => {
      const text = `daemon off;
worker_processes 1;
pid ${stage.folder}/nginx-${port}.pid;
error_log ${stage.folder}/nginx-${port}.log crit;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path ${stage.folder}/body;
    proxy_temp_path ${stage.folder}/proxy;
    fastcgi_temp_path ${stage.folder}/fastcgi;
    uwsgi_temp_path ${stage.folder}/uwsgi;
    scgi_temp_path ${stage.folder}/scgi;
    keepalive_requests 1000000000;
    upstream servers {
        ${directive}
${lines(servers, (server) => `        server 127.0.0.1:${server} max_fails=0;`)}
        keepalive 1024;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:${port};
        location / {
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout ${TIMEOUT_S}s;
            proxy_next_upstream off;
        }
    }
}
`;
      return { argv: ['nginx', '-c', stage.write(`nginx-${port}.conf`, text)] };
    },
  };
}

/** Those that are installed; none that goes by a key, for all requests come from one client. */
function contestants(): Contestant[] {
  const names = Object.keys(policies) as PolicyName[];
  const all = names.filter((name) => placers[name] === undefined).map(ours);
  if (ask('haproxy', ['-v']) !== null) {
    all.push(...['roundrobin', 'leastconn', 'random'].map(haproxy));
  }
  if (ask('nginx', ['-v']) !== null) {
    all.push(nginx('round robin', ''), nginx('least_conn', 'least_conn;'));
  }
  return all;
}

/** One contestant before ten servers of which the last is of this kind. */
async function run(contestant: Contestant, kind: Kind, seconds: number): Promise<LoadReport> {
  const stage = new Stage();
  const cpus = processors();
  const loadCpu = cpus[1] ?? cpus[0]!;
  try {
    const [port, ...servers] = (await freePorts(SERVERS + 1)) as [number, ...number[]];
    const ten = `${root}/dist/bench/backends/ten.js`;
    const argv: [string, ...string[]] = [process.execPath, ten, kind, ...servers.map(String)];
    await untilServing(stage.start(loadCpu, { argv }), servers[0]!);
    const balancer = stage.start(cpus[0]!, contestant.command(stage, port, servers));
    await untilServing(balancer, port);
    const loading = { stage, loadCpu, settings: { connections: CONNECTIONS } };
    const shot = (length: number): Promise<LoadReport> =>
      ownLoad('steady', { port }, loading, length, REQUESTS_PER_SECOND);
    await shot(WARM_UP_SECONDS);
    return await shot(seconds);
  } finally {
    await stage.close();
  }
}

const ms = (microseconds: number): string => (microseconds / 1000).toFixed(1).padStart(8);

/** `seconds`: length of a run. What each line says goes to `say`. */
async function comparePolicies(seconds: number, say: (line: string) => void): Promise<void> {
  for (const kind of KINDS) {
    say(`\none of ten is ${kind}${' '.repeat(10 - kind.length)}  p50 ms   p99 ms  errors`);
    for (const contestant of contestants()) {
      const { p50, p99, errors, requests } = await run(contestant, kind, seconds);
      const share = `${((100 * errors) / (errors + requests)).toFixed(2)} %`;
      say(`${contestant.name.padEnd(27)}${ms(p50)} ${ms(p99)} ${share.padStart(8)}`);
    }
  }
}

if (process.argv[1]?.endsWith('policies.js')) {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const commit = git('rev-parse', '--short', 'HEAD');
  say(`${processors().length} processors, Node ${process.versions.node}, commit ${commit}`);
  await comparePolicies(5, say);
}
