/** A request as it was typed: which listener it goes to, and its bytes, exactly as they stand. */
import { utf8 } from '../core/base/bytes.ts';
import type { Config, ListenerConfig } from '../core/config.ts';

export interface Typed {
  readonly method: string;
  /** `http://host:port/path`, or `/path`. */
  readonly url: string;
  /** `Name: value`. Nothing is corrected: what the balancer refuses shall be refused here, too. */
  readonly headers: readonly string[];
}

/** The bytes that are sent, and to whom. */
export interface Addressed {
  readonly listener: ListenerConfig;
  readonly bytes: Uint8Array;
}

/** A body that was announced is sent up to this length. */
const MOST_BODY = 1_048_576;

/** `problem`: why it can be sent to nobody, and what to type instead. */
export function requestBytes(config: Config, typed: Typed): Addressed | { problem: string } {
  const { method, url, headers } = typed;
  const parts = /^(?:([a-z]+):\/\/([^/?#]*))?(.*)$/is.exec(url)!;
  const [, scheme, authority = '', rest] = parts;
  const problem = problemOf(typed, scheme, authority);
  if (problem !== null) return { problem };
  const listener = listenerFor(config, authority);
  if ('problem' in listener) return listener;
  const isTunnel = method === 'CONNECT' && scheme === undefined && !url.startsWith('/');
  const named = isTunnel ? url : authority;
  const host = named === '' ? defaultHost(listener) : named;
  const target = scheme === undefined || rest.startsWith('/') ? rest : `/${rest}`;
  const isHost = (header: string): boolean => /^host:/i.test(header);
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!headers.some(isHost)) lines.push(`Host: ${host}`);
  const head = [...lines, ...headers].join('\r\n');
  return { listener, bytes: utf8(`${head}\r\n\r\n${bodyFor(headers)}`) };
}

/** What cannot be a URL, and what to type instead. */
function problemOf(
  { method, url }: Typed,
  scheme: string | undefined,
  authority: string,
): string | null {
  if (url === '') return 'the URL is empty; write a path, such as /';
  if (scheme === undefined) {
    if (/^[/*]/.test(url) || method === 'CONNECT') return null;
    return `"${url}" is no URL; write http://${url}, or a path: /${url}`;
  }
  if (/^https$/i.test(scheme)) return TLS;
  if (!/^http$/i.test(scheme)) return `listeners speak HTTP: write http:// instead of ${scheme}://`;
  const isOpen = authority.startsWith('[') && !authority.includes(']');
  return isOpen ? `"${url}" lacks a "]" after the address: http://[::1]:8080/` : null;
}

const TLS =
  'listeners speak HTTP without TLS: write http:// instead of https://. If somebody else ends TLS ' +
  "before it, add -H 'X-Forwarded-Proto: https', and --from an address of trusted_proxies";

/** The one with the port of the URL; without a port, port 80's or the first one. */
function listenerFor(
  { listeners }: Config,
  authority: string,
): ListenerConfig | { problem: string } {
  const port = /:(\d*)$/.exec(authority)?.[1] ?? '';
  const found = listeners.find((each) => each.port === (port === '' ? 80 : Number(port)));
  if (found !== undefined) return found;
  if (port === '') return listeners[0];
  const ports = listeners.map((each) => each.port).join(', ');
  return { problem: `no listener has port ${port}; there is ${ports}` };
}

function defaultHost({ host, port }: ListenerConfig): string {
  const name = host === null ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return port === 80 ? name : `${name}:${port}`;
}

/** What the headers announce; not more than is needed to see what becomes of the request. */
function bodyFor(headers: readonly string[]): string {
  const announced = (name: string): string | undefined =>
    headers.find((header) => header.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1);
  if (announced('transfer-encoding') !== undefined) return '0\r\n\r\n';
  const length = Number(announced('content-length') ?? 0);
  return length > 0 && length <= MOST_BODY ? 'x'.repeat(length) : '';
}
