/** Connections through a platform's transport, which needs no world of its own, and their ends. */
import net from 'node:net';
import type { Failure } from '../../src/core/base/failure.ts';
import type { ListenAddress, Listener, Target, Transport } from '../../src/core/base/transport.ts';
import { End } from './transport-world.ts';

/** Waits for what the system does; fails after a time in which it would have. */
export async function until(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!done()) {
    if (performance.now() > deadline) throw new Error('it did not come to that in time');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Whether this machine has an address of the family. */
export function canListen(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on('error', () => resolve(false));
    server.listen(0, host, () => server.close(() => resolve(true)));
  });
}

/** A connection on its way. */
export function dial(transport: Transport, to: Target): End {
  const end = new End();
  end.socket = transport.connect(to, end);
  return end;
}

export interface Listened {
  readonly listener: Listener;
  /** Null: it listens. */
  readonly failure: Failure | null;
  /** It grows. */
  readonly accepted: End[];
}

/** A listener that has said whether it is open, and keeps the ends it accepts. */
export async function listen(transport: Transport, at: ListenAddress): Promise<Listened> {
  const accepted: End[] = [];
  const answers: (Failure | null)[] = [];
  const listener = transport.listen(
    at,
    (socket, peer) => {
      const end = new End();
      end.socket = socket;
      end.peer = peer;
      accepted.push(end);
      return end;
    },
    (failure) => answers.push(failure),
  );
  await until(() => answers.length > 0);
  return { listener, failure: answers[0], accepted };
}

/** The ends of a connection that is open; `near` has made it, and nobody listens any more. */
export async function connected(transport: Transport): Promise<{ near: End; far: End }> {
  const address = '127.0.0.1';
  const { listener, accepted } = await listen(transport, { host: address, port: 0 });
  const near = dial(transport, { address, port: listener.port, tls: null });
  await until(() => near.saw('open') && accepted.length > 0);
  listener.close();
  return { near, far: accepted[0] };
}

/** Ends what is left, and waits until it is gone. */
export async function part(...ends: End[]): Promise<void> {
  for (const end of ends) end.call((socket) => socket.reset());
  await until(() => ends.every((end) => end.closes > 0));
}
