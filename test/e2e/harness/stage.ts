/** A balancer process with one pool of one recording backend, and the canary that checks it. */
import { Balancer, shortConfig } from './balancer.ts';
import { RawClient } from './raw-client.ts';
import { RecordingBackend, type SeenConnection } from './recording-backend.ts';
import { RequestReader } from './strict-reader.ts';

/** Generous: it says that an answer never comes, also on a busy machine. */
const answerTimeoutMs = 10_000;
let canaries = 0;

export interface CanaryResult {
  /** It got the answer that names it. */
  readonly own: boolean;
  /** It came on a connection that was there before. */
  readonly wasPooled: boolean;
  /** The backend's connection that brought it; null: none did. */
  readonly connection: SeenConnection | null;
}

export class Stage {
  readonly backend: RecordingBackend;
  readonly balancer: Balancer;

  private constructor(backend: RecordingBackend, balancer: Balancer) {
    this.backend = backend;
    this.balancer = balancer;
  }

  /** `config`: YAML put behind the shortest configuration. */
  static async open(config = ''): Promise<Stage> {
    const backend = new RecordingBackend();
    await backend.start();
    const text = shortConfig([backend.url]) + config;
    return new Stage(backend, await Balancer.start({ config: text }));
  }

  async close(): Promise<void> {
    await this.balancer.stop('SIGKILL');
    await this.backend.stop();
  }

  /** Sends a request with a name of its own on this client. */
  async canaryOn(client: RawClient): Promise<CanaryResult> {
    const target = `/canary-${++canaries}`;
    const before = client.responses().length;
    const existing = new Set(this.backend.connections);
    await client.send(`GET ${target} HTTP/1.1\r\nHost: canary\r\n\r\n`);
    await client.until(
      () => client.responses()[before]?.complete === true || client.ended !== null,
      answerTimeoutMs,
    );
    const connection = this.backend.canaries.get(target) ?? null;
    const wasPooled = connection !== null && existing.has(connection);
    return { own: client.responses()[before]?.body === target, wasPooled, connection };
  }

  /** The same, on a new client. */
  async canary(): Promise<CanaryResult> {
    const client = await RawClient.connect(this.balancer.port);
    const result = await this.canaryOn(client);
    client.destroy();
    return result;
  }

  /** The backend's connections that carried anything else than canaries. */
  caseConnections(): SeenConnection[] {
    return this.backend.connections.filter(
      (each) => each.received !== '' && !/^GET \/canary-/.test(each.received),
    );
  }
}

/** The methods of the requests in these bytes, as far as the strict reader gets. */
export function methodsIn(bytes: string): string[] {
  const methods: string[] = [];
  const reader = new RequestReader(
    (request) => methods.push(request.method),
    () => {},
  );
  reader.push(bytes);
  return methods;
}
