/**
 * Three backends in the process of the test: they answer with their names, or 503, and hold
 * `/held`.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What they are called, in this order. */
export const names = ['server-1', 'server-2', 'server-3'];

/** A backend as a configuration lists it. */
export interface Member {
  readonly url: string;
  readonly name: string;
  readonly weight?: number;
}

/** An exchange that waits for its answer, as its backend sees it. */
interface Held {
  readonly backend: string;
  /** Whose exchange it is: what all request ids of a worker begin with. */
  readonly worker: string;
  answer(): void;
}

/** Which worker an exchange with this id is one of: all its ids begin alike. */
export const workerOf = (requestId: unknown): string => String(requestId).slice(0, 16);

/** One per test file. */
export class Crew {
  readonly members: Member[] = [];
  readonly held: Held[] = [];
  /** The names of those that answer 503, at once. */
  readonly failing = new Set<string>();
  private readonly servers: Server[] = [];

  async open(): Promise<void> {
    for (const name of names) {
      const server = createServer((request, response) => {
        if (this.failing.has(name)) response.statusCode = 503;
        const answer = (): void => void response.end(`Response from ${name}\n`);
        const worker = workerOf(request.headers['x-request-id']);
        if (request.url === '/held') this.held.push({ backend: name, worker, answer });
        else answer();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      this.servers.push(server);
      const { port } = server.address() as AddressInfo;
      this.members.push({ url: `http://127.0.0.1:${port}`, name });
    }
  }

  close(): void {
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}
