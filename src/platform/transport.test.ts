import { expect, it } from 'vitest';
import type { Listener, Socket } from '../core/base/transport.ts';
import { createTransport } from './transport.ts';

it("takes the runtime's own sockets", async () => {
  const transport = createTransport({ sharesPorts: false });
  const ignore = (): void => {};
  const deaf = {
    onOpen: ignore,
    onData: ignore,
    onDrain: ignore,
    onEnd: ignore,
    onClose: ignore,
  };
  const listener = await new Promise<Listener>((resolve) => {
    const opened = transport.listen(
      { host: '127.0.0.1', port: 0 },
      (socket) => {
        socket.reset();
        return deaf;
      },
      () => resolve(opened),
    );
  });
  let socket: Socket | null = null;
  await new Promise<void>((resolve) => {
    const to = { address: '127.0.0.1', port: listener.port, tls: null };
    socket = transport.connect(to, { ...deaf, onClose: () => resolve() });
  });
  const kind = process.versions.bun === undefined ? 'HandleSocket' : 'BunSocket';
  expect(socket!.constructor.name).toBe(kind);
  listener.close();
});
