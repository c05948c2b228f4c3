/** What is asked of the contestants. */
import { join } from 'node:path';
import { root } from './stage.ts';

export interface Scenario {
  /** For `--scenarios` and in the JSON. */
  readonly id: string;
  readonly name: string;
  readonly path: string;
  /** Further arguments of wrk. */
  readonly wrk: readonly string[];
}

/** What a browser sends with a page's request, Host included. */
const BROWSER_FIELDS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.7,de;q=0.3',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: http://www.example.com/shop/catalogue?page=3&sort=price',
  'Cookie: session=5f2b7c0e9d1a4c6f8b3e; theme=dark; consent=2026-01-15T10:20:30Z',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Priority: u=0, i',
];

const scenario = (id: string, name: string, path: string, wrk: string[] = []): Scenario => ({
  id,
  name,
  path,
  wrk,
});

export const scenarios: readonly Scenario[] = [
  scenario('small', 'small GET', '/'),
  scenario(
    'browser',
    'browser-like head (12 fields), 1 KiB answer',
    '/1k',
    BROWSER_FIELDS.flatMap((field) => ['-H', field]),
  ),
  scenario('64k', '64 KiB answer', '/64k'),
  scenario('1m', '1 MiB answer', '/1m'),
  scenario('post', 'POST of 1 KiB', '/', ['-s', join(root, 'bench/peers/post.lua')]),
  scenario('connect', 'a new connection per request', '/', ['-H', 'Connection: close']),
];

/** Bodies the backends serve as files, by path. */
export const answers: ReadonlyMap<string, number> = new Map([
  ['1k', 1024],
  ['64k', 64 * 1024],
  ['1m', 1024 * 1024],
]);
