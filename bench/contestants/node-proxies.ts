/** The proxies of npm, on Node 24 when there is one: their best. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../repository.ts';
import type { Entry } from './contestant.ts';
import { node24, runtimeAt } from './runtimes.ts';

const folder = join(root, 'bench/peers');

function proxy(id: string, what: string, packageName: string): Entry {
  const manifest = join(folder, 'node_modules', packageName, 'package.json');
  if (!existsSync(manifest)) {
    return { id, why: 'it is not installed; npm ci --prefix bench/peers' };
  }
  const runtime = node24() ?? runtimeAt(process.execPath)!;
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return {
    id,
    name: `${what} ${version}, ${runtime.name}`,
    lacks: ['access log'],
    command: ({ port, backends }) => ({
      argv: [runtime.path, join(folder, `${id}.js`), String(port), ...backends.map(String)],
      env: { NODE_ENV: 'production' },
    }),
  };
}

/** In the order of the table. */
export const nodeProxies = (): Entry[] => [
  proxy('undici-pool', 'undici Pool', 'undici'),
  proxy('http-proxy', 'http-proxy', 'http-proxy'),
  proxy('fastify-http-proxy', '@fastify/http-proxy', '@fastify/http-proxy'),
];
