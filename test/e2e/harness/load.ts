/**
 * Load on keep-alive connections: each sends its next request when the answer to the last is whole.
 * Every answer is read strictly; what is not a whole answer is an outcome too.
 */
import { connect, type Socket } from 'node:net';
import { ResponseReader } from './strict-reader.ts';

/** One request and what became of it. */
export interface Outcome {
  readonly id: number;
  /** 0: no whole answer came. */
  readonly status: number;
  readonly body: string;
  /** In words, when no whole answer came. */
  readonly broken: string;
  /** From sending it until this was known, in milliseconds; 0 when it could not be sent. */
  readonly tookMs: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** The whole request with this number, latin1. */
  readonly request: (id: number) => string;
  readonly onOutcome: (outcome: Outcome) => void;
  /** False: a connection that has been closed is not replaced. */
  readonly reconnects?: boolean;
}

export const plainGet = (): string => 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

export class Load {
  sent = 0;
  private readonly options: LoadOptions;
  private running = true;
  private readonly loops: Promise<void>[] = [];

  constructor(options: LoadOptions) {
    this.options = options;
    for (let n = 0; n < options.connections; n++) this.loops.push(this.loop());
  }

  /** Resolves when all loops have ended by themselves, which they do only without reconnecting. */
  async ended(): Promise<void> {
    await Promise.all(this.loops);
  }

  /** No new requests; resolves when all that were sent have an outcome. */
  async stop(): Promise<void> {
    this.running = false;
    await this.ended();
  }

  private async loop(): Promise<void> {
    do {
      const socket = await open(this.options.port);
      if (socket === null) {
        const outcome = broken(++this.sent, 'no connection could be made');
        this.options.onOutcome({ ...outcome, tookMs: 0 });
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      while (this.running && (await this.exchange(socket)));
      socket.destroy();
    } while (this.running && this.options.reconnects !== false);
  }

  /** True: the connection may carry another. */
  private exchange(socket: Socket): Promise<boolean> {
    return new Promise((resolve) => {
      const id = ++this.sent;
      const sentAt = performance.now();
      let came = 0;
      const reader = new ResponseReader(() => 'GET');
      const finish = (outcome: Omit<Outcome, 'tookMs'>, goOn: boolean): void => {
        for (const [event, listener] of listeners) socket.off(event, listener);
        this.options.onOutcome({ ...outcome, tookMs: performance.now() - sentAt });
        resolve(goOn);
      };
      const lost = (how: string) => (): void => {
        finish(broken(id, `${how} after ${came} bytes`), false);
      };
      const listeners: readonly (readonly [string, (bytes: Buffer) => void])[] = [
        [
          'data',
          (bytes) => {
            came += bytes.length;
            reader.push(bytes.toString('latin1'));
            if (reader.problem !== null) {
              finish(broken(id, reader.problem), false);
              return;
            }
            const answer = reader.finals()[0];
            if (answer?.complete !== true) return;
            const { status, body, fields } = answer;
            const closes = fields.some(({ name, value }) => {
              return name === 'connection' && value === 'close';
            });
            finish({ id, status, body, broken: '' }, !closes);
          },
        ],
        ['end', lost('FIN')],
        ['error', lost('an error')],
        ['close', lost('a close')],
      ];
      for (const [event, listener] of listeners) socket.on(event, listener);
      socket.write(this.options.request(id), 'latin1');
    });
  }
}

const broken = (id: number, how: string) => ({ id, status: 0, body: '', broken: how });

/** null: it could not be opened. */
function open(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    // An error after that is heard by the exchange; one between two exchanges ends the next.
    socket.on('error', () => resolve(null));
    socket.once('connect', () => resolve(socket));
  });
}
