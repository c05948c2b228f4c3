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
  if (scheme !== undefined && scheme.toLowerCase() !== 'http') {
    return {
      problem:
        `listeners speak HTTP without TLS: write http:// instead of ${scheme}://, and ` +
        "if somebody else ends TLS before the balancer, -H 'X-Forwarded-Proto: https'",
    };
  }
  if (scheme === undefined && !/^[/*]/.test(url)) {
    return { problem: `"${url}" is no URL; write http://${url}, or a path: /${url}` };
  }
  const listener = listenerFor(config, authority);
  if ('problem' in listener) return listener;
  const host = authority === '' ? defaultHost(listener) : authority;
  const target = scheme === undefined || rest.startsWith('/') ? rest : `/${rest}`;
  const isHost = (header: string): boolean => /^host:/i.test(header);
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!headers.some(isHost)) lines.push(`Host: ${host}`);
  const head = [...lines, ...headers].join('\r\n');
  return { listener, bytes: utf8(`${head}\r\n\r\n${bodyFor(headers)}`) };
}

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
