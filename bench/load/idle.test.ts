import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { IdleConnections } from './idle.ts';

let server: Server;

async function serving(text: string): Promise<number> {
  server = createServer((_, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it('holds connections that have had their answer', async () => {
  const idle = new IdleConnections(await serving('Hello, world\n'));
  await idle.open(100);
  expect([idle.opened, idle.failed]).toEqual([100, 0]);
  const held = await new Promise<number>((resolve) =>
    server.getConnections((_, count) => resolve(count)),
  );
  expect(held).toBe(100);
  idle.close();
});

it('counts those that the server closes', async () => {
  const idle = new IdleConnections(await serving('Hello, world\n'));
  await idle.open(3);
  server.closeAllConnections();
  await expect.poll(() => idle.failed).toBe(3);
  idle.close();
});
