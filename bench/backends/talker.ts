/**
 * A backend for what nginx cannot answer by itself: a body in a hundred chunks, the echo of a
 * WebSocket, and a POST that is answered once its body is there. Everything else gets the same
 * small answer. It understands just what balancers send it.
 *
 *   node talker.js PORT...
 */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { echoes, readFrames } from './frames.ts';

const SMALL = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n',
);
const CHUNKS = 100;
const CHUNK_BYTES = 128;
const CHUNKED = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n' +
    `${CHUNK_BYTES.toString(16)}\r\n${'x'.repeat(CHUNK_BYTES)}\r\n`.repeat(CHUNKS) +
    '0\r\n\r\n',
);
const REFUSED = 'HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** One connection. */
class Talk {
  private readonly socket: Socket;
  private rest: Buffer = Buffer.alloc(0);
  private bodyLeft = 0;
  private answer: Buffer | null = null;
  private isWebSocket = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  onData(bytes: Buffer): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    while (this.step()) {
      // Each step takes a head or a body off the front.
    }
  }

  /** False: more bytes are needed. */
  private step(): boolean {
    if (this.isWebSocket) return this.echo();
    if (this.answer === null) return this.readHead();
    const taken = Math.min(this.bodyLeft, this.rest.length);
    this.rest = this.rest.subarray(taken);
    this.bodyLeft -= taken;
    if (this.bodyLeft > 0) return false;
    this.socket.write(this.answer);
    this.answer = null;
    return true;
  }

  private readHead(): boolean {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.rest.toString('latin1', 0, end);
    this.rest = this.rest.subarray(end + 4);
    const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1];
    if (key !== undefined) {
      this.isWebSocket = true;
      this.socket.write(handshake(key));
      return true;
    }
    if (/\r\ntransfer-encoding:/i.test(head)) {
      this.socket.end(REFUSED);
      return false;
    }
    this.bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    this.answer = head.startsWith('GET /chunks ') ? CHUNKED : SMALL;
    return true;
  }

  private echo(): boolean {
    const { frames, used } = readFrames(this.rest);
    this.rest = this.rest.subarray(used);
    if (frames.length > 0) this.socket.write(echoes(frames));
    if (frames.some(({ opcode }) => opcode === 8)) this.socket.end();
    return false;
  }
}

function handshake(key: string): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`
  );
}

for (const port of process.argv.slice(2)) {
  const server = createServer({ noDelay: true }, (socket) => {
    const talk = new Talk(socket);
    socket.on('data', (bytes) => talk.onData(bytes));
    socket.on('error', () => socket.destroy());
  });
  server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
}
