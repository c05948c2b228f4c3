/**
 * The smallest thing with the balancer's shape: a TCP relay to one backend. The harness tests
 * itself on it; it is also what "no balancer at all" looks like.
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface PassThrough {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startPassThrough(backendPort: number): Promise<PassThrough> {
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const backend = connect({
      port: backendPort,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    sockets.add(client).add(backend);
    client.on('error', () => backend.resetAndDestroy());
    backend.on('error', () => client.resetAndDestroy());
    client.pipe(backend).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
