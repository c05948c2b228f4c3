/**
 * A client on a raw socket: it sends exactly the bytes it is given, cut as told, reads answers
 * with the strict reader, and knows how the connection ended.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { streamEndedByReset } from '../../../src/platform/node/connections.ts';
import { type Cut, cutBytes } from './cut.ts';
import { type ResponseMessage, ResponseReader } from './strict-reader.ts';

export class RawClient {
  /** Every byte that came, latin1. */
  received = '';
  /** How the balancer ended the connection; null: it has not. */
  ended: 'fin' | 'rst' | null = null;
  /** The methods of the requests sent, in order: the reader must know a HEAD. */
  readonly methods: string[];
  private readonly socket: Socket;
  private readonly reader: ResponseReader;
  private readonly watchers = new Set<() => void>();
  private lastByteAt = performance.now();

  private constructor(socket: Socket, methods: readonly string[]) {
    this.socket = socket;
    this.methods = [...methods];
    this.reader = new ResponseReader(() => this.methods[this.reader.finals().length] ?? 'GET');
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      this.received += text;
      this.reader.push(text);
      this.changed();
    });
    socket.on('end', () => {
      this.ended ??= !socket.writableEnded && streamEndedByReset(socket) ? 'rst' : 'fin';
      if (this.ended === 'fin') this.reader.finish();
      this.changed();
    });
    socket.on('error', () => {
      this.ended ??= 'rst';
      this.changed();
    });
    socket.on('close', () => {
      this.ended ??= 'fin';
      this.changed();
    });
  }

  /** `methods`: of the requests that will be sent; GET where nothing is said. */
  static async connect(port: number, methods: readonly string[] = []): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawClient(socket, methods);
  }

  /** Sends bytes (latin1). With a cut, each piece is a write in a loop turn of its own. */
  async send(bytes: string, cut: Cut = 'whole'): Promise<void> {
    for (const piece of cutBytes(Buffer.from(bytes, 'latin1'), cut)) {
      // The balancer may have refused already: what follows a refusal needs no delivery.
      if (this.socket.destroyed || !this.socket.writable) return;
      if (!this.socket.write(piece)) await this.drained();
      if (cut !== 'whole') await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Final answers whose head has come, in order; the last may be incomplete. */
  responses(): ResponseMessage[] {
    return this.reader.finals();
  }

  /** Interim answers (1xx other than 101), in order. */
  interims(): ResponseMessage[] {
    return this.reader.messages.filter((message) => message.status < 200 && message.status !== 101);
  }

  /** What the balancer sent against the strict reader's rules, or null. */
  problem(): string | null {
    return this.reader.problem;
  }

  /** Bytes after a 101. */
  tunnelled(): string {
    return this.reader.raw;
  }

  /** Waits until `condition` holds; false after `timeoutMs`. */
  async until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    if (condition()) return true;
    return new Promise((resolve) => {
      const finish = (met: boolean): void => {
        clearTimeout(timer);
        this.watchers.delete(watch);
        resolve(met);
      };
      const watch = (): void => {
        if (condition()) finish(true);
      };
      const timer = setTimeout(() => finish(condition()), timeoutMs);
      this.watchers.add(watch);
    });
  }

  /** Waits until nothing has come for `quietMs`, or the connection has ended. */
  async untilQuiet(quietMs: number): Promise<void> {
    this.lastByteAt = performance.now();
    while (this.ended === null) {
      const left = this.lastByteAt + quietMs - performance.now();
      if (left <= 0) return;
      const before = this.received.length;
      await this.until(() => this.ended !== null || this.received.length > before, left);
    }
  }

  /** FIN: nothing more will be sent. */
  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private async drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }

  private changed(): void {
    this.lastByteAt = performance.now();
    for (const watch of [...this.watchers]) watch();
  }
}
