/** Upgrades: a WebSocket echo through the balancer, and what a tunnel promises on raw sockets. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Balancer, shortConfig } from './harness/balancer.ts';
import { RawClient } from './harness/raw-client.ts';
import { Stage } from './harness/stage.ts';
import { until } from './harness/until.ts';

const waitMs = 10_000;
const upgrade =
  'GET /tunnel HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n';
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n';

describe('a WebSocket echo', () => {
  const server = createHttpServer();
  const echo = new WebSocketServer({ server });
  let balancer: Balancer;

  beforeAll(async () => {
    echo.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    balancer = await Balancer.start({ config: shortConfig([`http://127.0.0.1:${port}`]) });
  });
  afterAll(async () => {
    await balancer.stop('SIGKILL');
    for (const client of echo.clients) client.terminate();
    server.close();
  });

  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${balancer.port}/echo`);
    await once(socket, 'open');
    return socket;
  };
  const next = async (socket: WebSocket): Promise<Buffer> => {
    const [data] = (await once(socket, 'message')) as [Buffer];
    return data;
  };

  it('gives back text, binary and a fragmented message', async () => {
    const socket = await connect();
    socket.send('grüße');
    expect((await next(socket)).toString()).toBe('grüße');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    socket.send(bytes);
    expect((await next(socket)).equals(bytes)).toBe(true);
    socket.send('in ', { fin: false });
    socket.send('three ', { fin: false });
    socket.send('parts', { fin: true });
    expect((await next(socket)).toString()).toBe('in three parts');
    const closed = once(socket, 'close');
    socket.close(1000, 'done');
    expect((await closed)[0]).toBe(1000);
  });

  it('gives back a MiB, and many messages in order', async () => {
    const socket = await connect();
    const big = Buffer.alloc(1024 * 1024, 'abcdefghij');
    socket.send(big);
    expect((await next(socket)).equals(big)).toBe(true);
    const numbers: number[] = [];
    socket.on('message', (data) => numbers.push(Number(String(data))));
    for (let n = 0; n < 1000; n++) socket.send(String(n));
    await until('a thousand messages are back', () => numbers.length === 1000);
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    socket.terminate();
  });

  it('passes on a close that the server begins', async () => {
    const socket = await connect();
    const closed = once(socket, 'close');
    for (const client of echo.clients) client.close(4001, 'enough');
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4001, 'enough']);
  });
});

describe('a tunnel', () => {
  let server: ReturnType<typeof createServer>;
  let balancer: Balancer;
  let peer: Socket | null = null;
  let received = '';

  beforeAll(async () => {
    server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      peer = socket;
      received = '';
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    balancer = await Balancer.start({ config: shortConfig([`http://127.0.0.1:${port}`]) });
  });
  afterAll(async () => {
    await balancer.stop('SIGKILL');
    peer?.destroy();
    server.close();
  });

  async function begin(early = ''): Promise<RawClient> {
    received = '';
    const client = await RawClient.connect(balancer.port);
    await client.send(upgrade + early);
    await until('the backend has the request', () => received.endsWith('\r\n\r\n'));
    return client;
  }
  const opened = (client: RawClient): Promise<boolean> =>
    client.until(() => client.responses().length > 0, waitMs);

  it('holds what the client sends until the backend has agreed', async () => {
    const client = await begin('too early');
    await client.send(' and more');
    await client.untilQuiet(50);
    expect(received).not.toContain('too early');
    peer?.write(switching);
    await until('the held bytes have come', () => received.endsWith('too early and more'));
    await opened(client);
    expect(client.responses()[0].status).toBe(101);
    client.destroy();
  });

  it('sends the request for the upgrade on, and the bytes that came with the 101', async () => {
    const client = await begin();
    expect(received).toMatch(/\r\nconnection: upgrade\r\n/i);
    expect(received).toMatch(/\r\nupgrade: test\r\n/i);
    peer?.write(`${switching}hello`);
    await client.until(() => client.tunnelled() === 'hello', waitMs);
    expect(client.tunnelled()).toBe('hello');
    client.destroy();
  });

  it('closes one way at a time', async () => {
    const client = await begin();
    peer?.write(switching);
    await opened(client);
    let isEnded = false;
    peer?.on('end', () => {
      isEnded = true;
    });
    await client.send('last words');
    client.end();
    await until('the backend sees the end', () => isEnded && received.endsWith('last words'));
    peer?.write('answer');
    await client.until(() => client.tunnelled() === 'answer', waitMs);
    expect(client.ended).toBeNull();
    peer?.end();
    await client.until(() => client.ended !== null, waitMs);
    expect(client.ended).toBe('fin');
    const line = await balancer.logged('exchange', waitMs, { status: 101, response_bytes: 6 });
    expect(line).toMatchObject({ end: 'ok', request_bytes: 10 });
  });

  it('that the client resets ends at the backend', async () => {
    const client = await begin();
    peer?.write(switching);
    await opened(client);
    // Waiting for 'close' would throw this error: the backend is to see a reset, too.
    const failed = once(peer as Socket, 'error');
    client.reset();
    const [error] = (await failed) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });

  it('that the backend resets ends at the client', async () => {
    const client = await begin();
    peer?.write(switching);
    await opened(client);
    peer?.resetAndDestroy();
    await client.until(() => client.ended !== null, waitMs);
    expect(client.ended).toBe('rst');
  });
});

describe('an upgrade that is refused', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  it('is an answer like any other, and the connections go on', async () => {
    const refusal = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno';
    stage.backend.play([{ bytes: refusal, after: 'keep' }]);
    const client = await RawClient.connect(stage.balancer.port);
    await client.send(upgrade);
    await client.until(() => client.responses()[0]?.complete === true, waitMs);
    expect(client.responses()[0]).toMatchObject({ status: 403, body: 'no' });
    expect((await stage.canaryOn(client)).own).toBe(true);
    client.destroy();
  });
});
