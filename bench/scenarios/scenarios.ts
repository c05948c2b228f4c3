/** Every scenario, in the order in which they run. */
import { closedLoop } from './closed-loop.ts';
import { idle } from './idle.ts';
import { openLoop } from './open-loop.ts';
import type { Scenario } from './scenario.ts';
import { webSocket } from './websocket.ts';

/** What a browser sends with a page's request; with Host, which wrk adds, they are twelve. */
export const BROWSER_FIELDS = [
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

const post = (id: string, name: string, bodyBytes: number, isBulk: boolean): Scenario =>
  closedLoop(id, name, { path: '/post', bodyBytes }, { backends: 'talker', isBulk });

const many = (connections: number, leastSeconds = 1): Scenario =>
  closedLoop(`c${connections}`, `small GET, ${connections} connections`, {
    connections,
    leastSeconds,
  });

export const scenarios: readonly Scenario[] = [
  closedLoop('small', 'small GET', {}, { isQuick: true }),
  closedLoop('browser', 'browser-like heads, 1 KiB answer', {
    path: '/1k',
    fields: BROWSER_FIELDS,
  }),
  post('post-1k', 'POST of 1 KiB', 1024, false),
  post('post-64k', 'POST of 64 KiB', 64 * 1024, true),
  closedLoop('64k', '64 KiB answer', { path: '/64k' }, { isBulk: true }),
  closedLoop('1m', '1 MiB answer', { path: '/1m' }, { isBulk: true }),
  closedLoop('connect', 'a new connection per request', { fields: ['Connection: close'] }),
  many(16),
  many(256),
  many(4000, 6),
  idle,
  closedLoop(
    'chunks',
    '100 chunks of 128 bytes',
    { path: '/chunks' },
    { backends: 'talker', isQuick: true },
  ),
  webSocket,
  closedLoop(
    'access-log',
    'small GET, access log on',
    {},
    { needs: ['access log'], isQuick: true },
  ),
  openLoop('latency-30', 30, true),
  openLoop('latency-70', 70, false),
];
