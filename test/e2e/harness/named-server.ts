/** Servers of this process that answer everything alike: they can be ended, and begin again. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on an address of this machine; port 0: one that is free. */
export async function serveAlike(body: string, port = 0, host = '127.0.0.1'): Promise<Server> {
  const server = createServer((_request, response) => response.end(body));
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

/** Cuts its connections, too. */
export function endServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;
