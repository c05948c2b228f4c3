/** Host names, backend URLs, bind addresses, CIDR blocks and paths: strict, each with a remedy. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { show } from './diagnostics.ts';
import type { Parsed } from './quantities.ts';

/** Where a backend is, as its URL says. */
export interface BackendAddress {
  readonly url: string;
  readonly tls: boolean;
  /** Lower case, without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host`, and `:port` unless it is the scheme's default. */
  readonly authority: string;
  /** `host:port`, the port always: the name of a backend that is given none. */
  readonly hostAndPort: string;
  readonly basePath: string;
}

/** A backend's `http://` or `https://` URL: no user, no query, no fragment; a path is allowed. */
export function parseBackendUrl(url: string): Parsed<BackendAddress> {
  const match = /^(https?):\/\/([^/?#]*)([^?#]*)(.*)$/is.exec(url);
  if (match === null) return { problem: schemeProblem(url) };
  const [, scheme, authority, path, rest] = match;
  if (rest !== '') {
    const what = rest.startsWith('?') ? 'a query' : 'a fragment';
    return { problem: `${show(url)} has ${what}; remove ${show(rest)}` };
  }
  if (authority.includes('@')) {
    const what = 'the URL holds a user name or password, which is never sent';
    return { problem: `${what}; remove it up to the "@"` };
  }
  const tls = scheme.toLowerCase() === 'https';
  const at = parseHostAndPort(authority, tls ? 443 : 80);
  if ('problem' in at) return at;
  const problem = visibleProblem(path, url);
  if (problem !== null) return { problem };
  const { host, port } = at.value;
  const bracketed = isIPv6(host) ? `[${host}]` : host;
  const isDefault = port === (tls ? 443 : 80);
  const value = {
    url,
    tls,
    host,
    port,
    authority: isDefault ? bracketed : `${bracketed}:${port}`,
    hostAndPort: `${bracketed}:${port}`,
    basePath: path.replace(/\/+$/, ''),
  };
  return { value };
}

function schemeProblem(url: string): string {
  const trimmed = url.trim();
  if (trimmed === '') return 'the URL is empty; write http://HOST:PORT';
  if (/^\d+$/.test(trimmed)) return `${show(url)} is not a URL; write http://localhost:${trimmed}`;
  const withoutColon = /^(https?)\/\/(.*)$/is.exec(trimmed);
  if (withoutColon !== null) {
    const [, name, rest] = withoutColon;
    return `${show(url)} lacks a ":"; write ${name.toLowerCase()}://${rest}`;
  }
  const named = /^([\w.-]+)=(https?:\/\/.*)$/is.exec(trimmed);
  if (named !== null) {
    return `${show(url)} is not a URL; write {name: ${named[1]}, url: ${show(named[2])}}`;
  }
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d)(\/*)(.*)$/is.exec(trimmed);
  if (scheme === null) {
    const rest = trimmed.replace(/^\/+/, '').replace(/^:/, 'localhost:');
    return `${show(url)} has no scheme; write http://${rest}`;
  }
  const [, name, , rest] = scheme;
  if (/^https?$/i.test(name)) {
    return `${show(url)} is not a URL; write ${name.toLowerCase()}://${rest}`;
  }
  if (/^wss?$/i.test(name)) {
    const carried = name.length === 2 ? 'http' : 'https';
    return `WebSockets begin as HTTP; write ${carried}://${rest} instead of ${name}://`;
  }
  return `the scheme "${name}" is not supported; write http:// or https://`;
}

const AUTHORITY_FORMS = 'write HOST:PORT, and an IPv6 address in brackets: [::1]:9001';
const NAME_FORMS = 'write a name of letters, digits and "-" with dots between, or an IP address';

function parseHostAndPort(
  authority: string,
  defaultPort: number,
): Parsed<{ host: string; port: number }> {
  if (/^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f.:]*$/i.test(authority) && /::|(:.*){3}/.test(authority)) {
    const [, host, port] = /^(.*?)((?::\d+)?)$/.exec(authority) ?? [];
    const written = isIPv6(host) ? `[${host}]${port}` : `[${authority}]`;
    return { problem: `an IPv6 address stands in brackets: write ${written}` };
  }
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(authority);
  if (match === null) {
    return { problem: `${show(authority)} is not a host and a port; ${AUTHORITY_FORMS}` };
  }
  const [, host, port = String(defaultPort)] = match;
  const problem = hostProblem(host);
  if (problem !== null) return { problem };
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    return { problem: `${show(port)} is not a port; write a whole number from 1 to 65535` };
  }
  const plain = host.startsWith('[') ? host.slice(1, -1) : host;
  return { value: { host: plain.toLowerCase(), port: Number(port) } };
}

/** What is wrong with a host name or IP address, IPv6 in brackets; null: nothing. */
export function hostProblem(host: string): string | null {
  if (host === '') return 'the host is missing; write a name or an IP address';
  if (host.startsWith('[')) {
    const inside = host.slice(1, -1);
    if (inside.includes('%')) return zoneProblem(inside);
    const remedy = 'write one such as [::1], or a name without brackets';
    return isIPv6(inside) ? null : `${show(inside)} is not an IPv6 address; ${remedy}`;
  }
  if (isIPv6(host)) return `an IPv6 address stands in brackets; write [${host}]`;
  if (/[^\x00-\x7f]/.test(host)) {
    const ascii = asciiName(host);
    return `${show(host)} is not ASCII${ascii === null ? '' : `; write ${ascii}`}`;
  }
  // The URL standard: what ends in a number is an IPv4 address, or nothing.
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i.test(host)) {
    if (isIPv4(host)) return null;
    const remedy = 'write four numbers from 0 to 255, or a name';
    return `${show(host)} is neither an IPv4 address nor a name; ${remedy}`;
  }
  const labels = host.replace(/\.$/, '').split('.');
  const isName = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
  return isName && host.length <= 253 ? null : `${show(host)} is not a host name; ${NAME_FORMS}`;
}

/** `fe80::1%eth0` means something on one machine only. */
const zoneProblem = (address: string): string =>
  `${show(address)}: zone ids are not supported; remove "${/%[^/]*/.exec(address)?.[0]}"`;

function asciiName(host: string): string | null {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname : null;
}

function visibleProblem(path: string, shown: string): string | null {
  const odd = /[^\x21-\x7e]|["<>\\^`{|}]/u.exec(path);
  if (odd === null) return null;
  const what = odd[0] === ' ' ? 'a space' : show(odd[0]);
  return `${show(shown)} has ${what} in its path; write it as ${encodeURIComponent(odd[0])}`;
}

/** A Host rule or probe host: a name or address, with a port if need be. */
export function parseHostField(host: string): Parsed<string> {
  if (/^[a-z]+:\/\//i.test(host)) {
    return { problem: `${show(host)} is a URL; write only the host: example.com` };
  }
  if (/^(0\.0\.0\.0|127\.0\.0\.1|\[?::1?\]?)(:\d+)?$/.test(host)) {
    const remedy = 'the address to listen on goes in "address"';
    return { problem: `${show(host)} is no name to send as Host; ${remedy}` };
  }
  const at = parseHostAndPort(host, 80);
  return 'problem' in at ? at : { value: host };
}

/** A route's host: a name, an address, or `*.example.com`. Gives lower case, no final dot. */
export function parseRouteHost(host: string): Parsed<string> {
  const plain = host.toLowerCase().replace(/\.$/, '');
  if (plain === '*') return { problem: '"*" is not needed; leave "host" out to take every host' };
  if (/^[a-z]+:\/\//.test(plain)) {
    const name = plain.replace(/^[a-z]+:\/\//, '').replace(/[/:?#].*$/, '');
    return { problem: `${show(host)} is a URL; write only the host: ${name}` };
  }
  if (plain.includes('/')) {
    const [name] = plain.split('/');
    return { problem: `${show(host)} has a path in it; write ${name}, and the path in "path"` };
  }
  if (/^[^:[\]]+:\d+$|^\[.*\]:\d+$/.test(plain)) {
    const name = plain.replace(/:\d+$/, '');
    return { problem: `${show(host)} has a port; routes go by the name alone: write ${name}` };
  }
  const name = plain.startsWith('*.') ? plain.slice(2) : plain;
  if (name.includes('*')) {
    const remedy = 'a "*" may only be the first label: *.example.com';
    return { problem: `${show(host)} has a "*" inside; ${remedy}` };
  }
  const problem = hostProblem(name);
  return problem === null ? { value: plain } : { problem };
}

/** The host of a certificate: one name, as `parseRouteHost` reads it. */
export function parseServerName(name: string): Parsed<string> {
  if (!name.includes('*')) return parseRouteHost(name);
  const [, below] = /^\*\.([^*]+)$/.exec(name) ?? [];
  const remedy = `write it, such as www.${below ?? 'example.com'}`;
  return { problem: `${show(name)} stands for many names, and one is sent; ${remedy}` };
}

/** A route's path: `/`, or a prefix without a slash at its end. */
export function parseRoutePath(path: string): Parsed<string> {
  if (!path.startsWith('/')) {
    return { problem: `${show(path)} does not begin with "/"; write /${path}` };
  }
  if (/\/?\*+$/.test(path)) {
    const prefix = path.replace(/\/?\*+$/, '') || '/';
    return { problem: `a path takes everything below it without "*"; write ${prefix}` };
  }
  if (/[?#]/.test(path)) {
    const prefix = path.replace(/[?#].*$/, '');
    return { problem: `${show(path)} has more than a path; write ${prefix}` };
  }
  if (/\/(\.{0,2})(?=\/)|\/\.{1,2}$/.test(path)) {
    const what = 'an empty, "." or ".." segment, which never matches';
    return { problem: `${show(path)} has ${what}; remove it` };
  }
  const problem = visibleProblem(path, path);
  if (problem !== null) return { problem };
  return { value: path.replace(/\/$/, '') || '/' };
}

/** What a probe asks for: a path, and a query if need be. */
export function parseProbePath(path: string): Parsed<string> {
  if (!path.startsWith('/')) {
    const written = path.replace(/^[a-z]+:\/\/[^/]*\/?/i, '');
    return { problem: `${show(path)} does not begin with "/"; write /${written}` };
  }
  if (path.includes('#'))
    return { problem: `${show(path)} has a fragment, which is never sent; remove it` };
  const problem = visibleProblem(path, path);
  return problem === null ? { value: path } : { problem };
}

/** The address a listener binds: an IP address or `localhost`. Gives it without brackets. */
export function parseBindAddress(address: string): Parsed<string> {
  const plain = address.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (isIP(plain) !== 0 || plain === 'localhost') return { value: plain };
  const withPort = /^(.*):(\d+)$/.exec(plain);
  if (/^\d+$/.test(plain)) return { problem: `${show(address)} is a port; write port: ${plain}` };
  if (withPort !== null) {
    const [, host, port] = withPort;
    const ip = host.replace(/^\[(.*)\]$/, '$1');
    if (ip === '' || ip === '*') return { problem: `write port: ${port}, and leave "address" out` };
    return { problem: `${show(address)} has a port; write address: ${ip} and port: ${port}` };
  }
  if (plain === '*') return { problem: '"*" is not needed; leave "address" out for every address' };
  return {
    problem: `${show(address)} is not an IP address; write one of this machine, such as 127.0.0.1`,
  };
}

/** An IP address or a CIDR block with no bits below its prefix. */
export function parseCidr(text: string): Parsed<string> {
  const [address, bits, more] = text.split('/');
  const family = isIP(address);
  const width = family === 4 ? 32 : 128;
  const examples = 'write 10.0.0.1, 10.0.0.0/8 or fd00::/8';
  if (family === 0 || more !== undefined) {
    return { problem: `${show(text)} is neither an IP address nor a CIDR block; ${examples}` };
  }
  if (address.includes('%')) return { problem: zoneProblem(text) };
  if (/^::ffff:.*\./i.test(address)) {
    const remedy = 'addresses of this kind are seen as IPv4; write the IPv4 form';
    return { problem: `${show(text)}: ${remedy}` };
  }
  if (bits === undefined) return { value: address.toLowerCase() };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > width) {
    return { problem: `${show(text)}: the prefix of an IPv${family} block is from 0 to ${width}` };
  }
  const network = networkOf(address, Number(bits));
  if (network !== null) {
    return { problem: `${show(text)} has bits set after the prefix; write ${network}/${bits}` };
  }
  return { value: `${address.toLowerCase()}/${Number(bits)}` };
}

/** The address with every bit after `bits` cleared; null when it is so already. */
function networkOf(address: string, bits: number): string | null {
  const isV4 = isIPv4(address);
  const unit = isV4 ? 8 : 16;
  const parts = isV4 ? address.split('.').map(Number) : ipv6Groups(address);
  const kept = parts.map((part, i) => {
    const left = Math.min(unit, Math.max(0, bits - i * unit));
    return part & ~(2 ** (unit - left) - 1);
  });
  if (kept.every((part, i) => part === parts[i])) return null;
  if (isV4) return kept.join('.');
  const text = kept.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

function ipv6Groups(address: string): number[] {
  // The URL parser turns a dotted tail into groups.
  const [head, tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail);
  return [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
}
