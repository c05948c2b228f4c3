/** The servers that Debian packages: nginx, HAProxy and Caddy. */
import { ask } from '../machine.ts';
import { fillIn } from '../repository.ts';
import { type Entry, portsOf, type Setup, versionIn } from './contestant.ts';

const absent = (id: string, debian: string): Entry => ({
  id,
  why: `it is not installed; Debian: apt install ${debian}`,
});

function nginx(): Entry {
  const said = ask('nginx', ['-v']);
  if (said === null) return absent('nginx', 'nginx-light');
  return {
    id: 'nginx',
    name: `nginx ${versionIn(said)}`,
    lacks: [],
    command: (setup) => {
      // Written in blocks, as one does who cares about speed.
      const { accessLog } = setup;
      const ACCESSLOG = accessLog === null ? 'off' : `${accessLog} combined buffer=64k flush=1s`;
      const values = { ...portsOf(setup), FOLDER: setup.folder, ACCESSLOG };
      const file = setup.write(`nginx-${setup.port}.conf`, fillIn('peers/nginx.conf', values));
      return { argv: ['nginx', '-c', file] };
    },
  };
}

function haproxy(): Entry {
  const said = ask('haproxy', ['-v']);
  if (said === null) return absent('haproxy', 'haproxy');
  return {
    id: 'haproxy',
    name: `HAProxy ${versionIn(said)}`,
    lacks: [],
    command: (setup) => ({
      argv: ['haproxy', '-db', '-f', writeHaproxy(setup)],
      outputFile: setup.accessLog ?? undefined,
    }),
  };
}

function writeHaproxy(setup: Setup): string {
  const logs = setup.accessLog !== null;
  const values = {
    ...portsOf(setup),
    // The pipes through which it splices take descriptors as well.
    CONNECTIONS: setup.isBulk ? Math.floor(setup.connections / 2) : setup.connections,
    GLOBALLOG: logs ? 'log stdout format raw daemon' : '',
    ACCESSLOG: logs ? 'log global\n    option httplog' : '',
    BULK: setup.isBulk ? 'option splice-request\n    option splice-response' : '',
  };
  return setup.write(`haproxy-${setup.port}.cfg`, fillIn('peers/haproxy.cfg', values));
}

function caddy(): Entry {
  const said = ask('caddy', ['version']);
  if (said === null) return absent('caddy', 'caddy');
  return {
    id: 'caddy',
    name: `Caddy ${versionIn(said)}`,
    lacks: [],
    command: (setup) => {
      const { accessLog, folder } = setup;
      const ACCESSLOG = accessLog === null ? '' : `log {\n\t\toutput file ${accessLog}\n\t}`;
      const text = fillIn('peers/Caddyfile', { ...portsOf(setup), ACCESSLOG });
      const file = setup.write(`Caddyfile-${setup.port}`, text);
      return {
        argv: ['caddy', 'run', '--config', file, '--adapter', 'caddyfile'],
        // It keeps things at home.
        env: { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
      };
    },
  };
}

/** In the order of the table. */
export const servers = (): Entry[] => [nginx(), haproxy(), caddy()];
