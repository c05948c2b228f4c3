/** HAProxy and nginx, if installed: as they come, and with what they have against trouble. */
import { ask } from '../machine.ts';
import { CHECK_MS, CONNECT_MS, type Contestant, type Setup, TIMEOUT_MS } from './contestant.ts';
import type { Sheet } from './trouble.ts';

/** Connections of clients; each may need one to a server besides. */
const CLIENTS = 8192;
/** Who has failed so often in a row is left alone, as by our `passive_health`. */
const FAILURES = 5;

interface More {
  /** Lines in HAProxy's backend. */
  readonly backend?: string;
  /** Words on the line of each server. */
  readonly server?: string;
  /** nginx: failures count, and are tried elsewhere. */
  readonly passive?: boolean;
}

const CHECKED = `check inter ${CHECK_MS}ms fall 3 rise 2`;
const HTTP_CHECK = 'option httpchk GET /';
const HAPROXY_RETRIES = `retries 3
    option redispatch 1
    retry-on conn-failure empty-response response-timeout`;

function haproxyText(balance: string, more: More, { port, servers, trouble }: Setup): string {
  const lines = [
    `balance ${balance}`,
    ...(trouble.checks ? [HTTP_CHECK] : []),
    ...(trouble.retries ? [HAPROXY_RETRIES] : []),
    ...(more.backend === undefined ? [] : [more.backend]),
    ...servers.map((server, i) => {
      const checked = trouble.checks && more.server?.startsWith('check') !== true;
      return `server s${i} 127.0.0.1:${server} ${checked ? CHECKED : ''} ${more.server ?? ''}`;
    }),
  ];
  return `global
    nbthread 1
    maxconn ${CLIENTS}
defaults
    mode http
    timeout connect ${CONNECT_MS}ms
    timeout client 1h
    timeout server ${TIMEOUT_MS}ms
    http-reuse always
frontend front
    bind 127.0.0.1:${port} backlog 4096
    default_backend servers
backend servers
    ${lines.join('\n    ')}
`;
}

function haproxy(sheet: Sheet, id: string, balance: string, told: string, more: More): Contestant {
  return {
    id: `haproxy-${id}`,
    name: `HAProxy ${told}`,
    sheet,
    command: (setup) => {
      const text = haproxyText(balance, more, setup);
      return {
        argv: ['haproxy', '-db', '-f', setup.stage.write(`haproxy-${setup.port}.cfg`, text)],
      };
    },
  };
}

/** nginx looks at no server by itself; what it finds out by traffic is its check. */
function nextUpstream(isPassive: boolean, { retries }: Setup['trouble']): string {
  if (isPassive) return 'error timeout http_500';
  return retries ? 'error timeout' : 'off';
}

function nginxText(directive: string, more: More, setup: Setup): string {
  const { stage, port, servers, trouble } = setup;
  const isPassive = more.passive === true;
  // Its own default where it may try again, as people have it who configure nothing.
  const fails = isPassive ? `max_fails=${FAILURES}` : trouble.retries ? '' : 'max_fails=0';
  const lines = servers.map(
    (server) => `server 127.0.0.1:${server} ${fails} ${more.server ?? ''};`,
  );
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${stage.folder}/${name}-${port};`,
  );
  return `daemon off;
worker_processes 1;
pid ${stage.folder}/nginx-${port}.pid;
error_log ${stage.folder}/nginx-${port}.log crit;
events { worker_connections ${2 * CLIENTS}; }
http {
    access_log off;
    ${paths.join('\n    ')}
    keepalive_requests 1000000000;
    upstream servers {
        ${directive}
        ${lines.join('\n        ')}
        keepalive 1024;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:${port} backlog=4096;
        location / {
            proxy_pass http://servers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_connect_timeout ${CONNECT_MS}ms;
            proxy_read_timeout ${TIMEOUT_MS}ms;
            proxy_next_upstream ${nextUpstream(isPassive, trouble)};
        }
    }
}
`;
}

function nginx(sheet: Sheet, id: string, directive: string, told: string, more: More): Contestant {
  return {
    id: `nginx-${id}`,
    name: `nginx ${told}`,
    sheet,
    command: (setup) => {
      const text = nginxText(directive, more, setup);
      return { argv: ['nginx', '-c', setup.stage.write(`nginx-${setup.port}.conf`, text)] };
    },
  };
}

const OBSERVE: More = {
  backend: HTTP_CHECK,
  server: `${CHECKED} observe layer7 error-limit ${FAILURES} on-error mark-down`,
};
const [LIMITED, QUEUED] = ['timeout queue 1ms', 'timeout queue 100ms'];

const haproxies = (): Contestant[] => [
  ...['roundrobin', 'leastconn', 'random'].map((name) => haproxy('latency', name, name, name, {})),
  haproxy('latency', 'leastconn+observe', 'leastconn', 'leastconn, observe layer7', OBSERVE),
  haproxy('overload', 'unlimited', 'roundrobin', 'without a limit', {}),
  haproxy('overload', 'refuse', 'roundrobin', `maxconn 4, ${LIMITED}`, {
    backend: LIMITED!,
    server: 'maxconn 4',
  }),
  haproxy('overload', 'queue', 'roundrobin', `maxconn 4, ${QUEUED}`, {
    backend: QUEUED!,
    server: 'maxconn 4',
  }),
  haproxy('storm', 'retries', 'roundrobin', 'retries 3, option redispatch', {}),
];

const nginxes = (): Contestant[] => [
  nginx('latency', 'round_robin', '', 'round robin', {}),
  nginx('latency', 'least_conn', 'least_conn;', 'least_conn', {}),
  nginx('latency', 'least_conn+passive', 'least_conn;', `least_conn, max_fails=${FAILURES}`, {
    passive: true,
  }),
  nginx('overload', 'unlimited', '', 'without a limit', {}),
  nginx('overload', 'max_conns', '', 'max_conns=4', { server: 'max_conns=4' }),
  nginx('storm', 'next_upstream', '', 'proxy_next_upstream error timeout', {}),
];

/** Those that are installed. */
export const peers = (): Contestant[] => [
  ...(ask('haproxy', ['-v']) === null ? [] : haproxies()),
  ...(ask('nginx', ['-v']) === null ? [] : nginxes()),
];
