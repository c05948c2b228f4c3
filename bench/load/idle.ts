/** Connections that have had an answer and are then left alone. */
import { connect, type Socket } from 'node:net';

/** Opened at once; more would overflow somebody's accept queue. */
const AT_ONCE = 64;
const ANSWER_TIMEOUT_MS = 10_000;
const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const ANSWERED = /Hello, world\n(\r\n0\r\n\r\n)?$/;

export class IdleConnections {
  private readonly sockets: Socket[] = [];
  private readonly port: number;
  /** Could not be opened, had no good answer, or were closed by the balancer before we did. */
  failed = 0;

  constructor(port: number) {
    this.port = port;
  }

  get opened(): number {
    return this.sockets.length;
  }

  /** Opens `count` connections and asks once on each. */
  async open(count: number): Promise<void> {
    let left = count;
    const opener = async (): Promise<void> => {
      while (left-- > 0) {
        try {
          this.sockets.push(await this.one());
        } catch {
          this.failed++;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, opener));
  }

  close(): void {
    for (const socket of this.sockets) socket.removeAllListeners('close').destroy();
  }

  private one(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      const fail = (): void => {
        socket.destroy();
        reject(new Error('no answer'));
      };
      let text = '';
      socket.setTimeout(ANSWER_TIMEOUT_MS, fail);
      socket.on('error', fail);
      socket.on('close', fail);
      socket.on('connect', () => socket.write(REQUEST));
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1');
        if (!ANSWERED.test(text)) return;
        socket.setTimeout(0).off('timeout', fail).off('close', fail);
        socket.on('close', () => {
          this.failed++;
        });
        resolve(socket);
      });
    });
  }
}
