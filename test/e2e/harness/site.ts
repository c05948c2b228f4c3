/**
 * A site and a balancer before it, to be visited by real clients both ways: through the balancer
 * and directly. What a client sees must be the same.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { BackendProcess } from './backend-process.ts';
import { Balancer } from './balancer.ts';
import type { Ended } from './command.ts';
import { until } from './until.ts';

const script = fileURLToPath(new URL('../peers/site.mjs', import.meta.url));
const fileBytes = 16 * 1024 * 1024;

/** What the site's echo says about a request. */
export interface Echo {
  readonly method: string;
  readonly target: string;
  readonly fields: Record<string, string>;
  /** Of the body, in bytes. */
  readonly length: number;
  readonly sha256: string;
}

export class Site {
  /** For whatever a test writes; removed at the end. */
  readonly folder: string;
  /** The large file that the site serves: random bytes. */
  readonly file: string;
  readonly fileBytes = fileBytes;
  readonly fileSum: string;
  readonly backend: BackendProcess;
  readonly balancer: Balancer;

  private constructor(folder: string, sum: string, backend: BackendProcess, balancer: Balancer) {
    this.folder = folder;
    this.file = join(folder, 'file');
    this.fileSum = sum;
    this.backend = backend;
    this.balancer = balancer;
  }

  static async open(): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-site-'));
    const file = join(folder, 'file');
    const bytes = randomBytes(fileBytes);
    writeFileSync(file, bytes);
    const backend = await BackendProcess.startScript('the site', script, [file]);
    const config = `port: $PORT\nbackends: [http://127.0.0.1:${backend.port}]\n`;
    return new Site(folder, sha256(bytes), backend, await Balancer.start({ config }));
  }

  async close(): Promise<void> {
    await this.balancer.stop('SIGKILL');
    await this.backend.kill();
    rmSync(this.folder, { recursive: true });
  }

  /** Lets a client visit the site directly, then through the balancer; both must see the same. */
  async bothWays<T>(visit: (port: number) => Promise<T>): Promise<T> {
    const direct = await visit(this.backend.port);
    const through = await visit(this.balancer.port);
    expect(through).toEqual(direct);
    return through;
  }

  /** Waits until the balancer has logged so many exchanges; fails when one did not end well. */
  async expectGoodEnds(atLeast: number): Promise<void> {
    const exchanges = () => this.balancer.logs().filter(({ event }) => event === 'exchange');
    await until(`${atLeast} exchanges are logged`, () => exchanges().length >= atLeast);
    expect(exchanges().filter(({ end }) => end !== 'ok')).toEqual([]);
  }
}

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** What a program that must succeed has printed. */
export function printed(ended: Ended): string {
  expect(ended.code, `${ended.err}\n${ended.out}`).toBe(0);
  return ended.out;
}

/** Fields that concern one connection, and those that the balancer adds for the backend. */
const ownFields = [
  ...['connection', 'keep-alive'],
  ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'x-request-id'],
];

/** An echo's text without what may differ: what is left is the client's own request. */
export function clientsRequest(text: string): Echo {
  const echo = JSON.parse(text) as Echo;
  const own = Object.entries(echo.fields).filter(([name]) => !ownFields.includes(name));
  return { ...echo, fields: Object.fromEntries(own) };
}
