/** Which route a request takes: by host and path, the first one that matches. */
import { copy, equals, lower } from '../base/bytes.ts';
import type { RouteConfig } from '../config.ts';

interface Route {
  readonly hosts: readonly string[];
  /** Without a slash at its end: empty matches every path. */
  readonly prefix: string;
}

export class Router {
  private readonly routes: readonly Route[];
  /** Longer than any host name can be. */
  private readonly host = new Uint8Array(256);
  private hostLength = 0;

  constructor(routes: readonly RouteConfig[]) {
    this.routes = routes.map(({ hosts, pathPrefix }) => ({
      hosts,
      prefix: pathPrefix.endsWith('/') ? pathPrefix.slice(0, -1) : pathPrefix,
    }));
  }

  /**
   * The number of the route, from 0, or -1. The host is bytes[hostStart, hostEnd), its port not
   * looked at; the path is bytes[pathStart, pathEnd), its query not looked at, and nothing is
   * decoded: what is matched is what is forwarded.
   */
  match(
    bytes: Uint8Array,
    hostStart: number,
    hostEnd: number,
    pathStart: number,
    pathEnd: number,
  ): number {
    this.hostLength = -1;
    for (let number = 0; number < this.routes.length; number++) {
      const route = this.routes[number]!;
      if (route.prefix !== '' && !below(bytes, pathStart, pathEnd, route.prefix)) continue;
      if (route.hosts.length === 0) return number;
      if (this.hostLength === -1) this.takeHost(bytes, hostStart, hostEnd);
      if (this.hostMatches(route.hosts)) return number;
    }
    return -1;
  }

  /** The host in lower case, without port and trailing dot; empty if too long to be a name. */
  private takeHost(bytes: Uint8Array, start: number, end: number): void {
    let stop = end;
    for (let at = end - 1; at >= start && bytes[at] !== 0x5d; at--) {
      if (bytes[at] === 0x3a) stop = at;
    }
    if (stop > start && bytes[stop - 1] === 0x2e) stop--;
    // Cut off, it could match a pattern that it does not end with.
    this.hostLength = stop - start > this.host.length ? 0 : stop - start;
    copy(bytes, start, start + this.hostLength, this.host, 0);
    for (let i = 0; i < this.hostLength; i++) this.host[i] = lower(this.host[i]!);
  }

  private hostMatches(patterns: readonly string[]): boolean {
    for (const pattern of patterns) {
      if (!pattern.startsWith('*.')) {
        if (equals(this.host, 0, this.hostLength, pattern)) return true;
        continue;
      }
      const start = this.hostLength - (pattern.length - 1);
      if (start > 0 && equals(this.host, start, this.hostLength, pattern.slice(1))) return true;
    }
    return false;
  }
}

/** Is the path `prefix` itself or something below it? */
function below(bytes: Uint8Array, start: number, end: number, prefix: string): boolean {
  const stop = start + prefix.length;
  if (stop > end || !equals(bytes, start, stop, prefix)) return false;
  return stop === end || bytes[stop] === 0x2f || bytes[stop] === 0x3f;
}
