import type { Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { backend, createBackend, listenBackend, stopBackend } from './backend.ts';
import { fakeTerminal } from './fake-terminal.ts';

const running: Server[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) if (server.listening) await stopBackend(server);
});

async function start(name: string): Promise<{ server: Server; port: number }> {
  const server = createBackend(name);
  running.push(server);
  return { server, port: await listenBackend(server, 0) };
}

describe('a demo backend', () => {
  it('says its name, whatever is asked', async () => {
    const { port } = await start('server-1');
    for (const path of ['/', '/a/b?c']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('Response from server-1\n');
    }
    const posted = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' });
    expect(await posted.text()).toBe('Response from server-1\n');
  });

  it('says how many others are in flight and how long they take', async () => {
    const { port } = await start('server-1');
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    const { headers } = await fetch(`http://127.0.0.1:${port}/`);
    expect(headers.get('backend-load')).toMatch(/^in_flight=0, latency_ms=[0-9]+(\.[0-9]{1,3})?$/);
  });

  it('answers 200 on /health', async () => {
    const { port } = await start('server-1');
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
  });

  it('answers what is in flight before it stops, and ends that connection', async () => {
    const { server, port } = await start('server-1');
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    const ended = new Promise((resolve) => socket.once('end', resolve));
    const arrived = new Promise((resolve) => server.once('request', resolve));
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1');
    await arrived;
    const stopped = stopBackend(server);
    socket.write('2');
    await ended;
    await stopped;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.endsWith('Response from server-1\n')).toBe(true);
    socket.destroy();
  });
});

describe('evenkeel backend', () => {
  it.each(['x', '-1', '65536', '80.5', ''])('refuses "%s" as a port', async (port) => {
    const terminal = fakeTerminal();
    expect(await backend(terminal, port, 'server-1', false)).toBe(2);
    expect(terminal.said.err).toContain(`"${port}" is not a port`);
  });

  it('says that its port is taken, and by whom', async () => {
    const { port } = await start('server-1');
    const terminal = fakeTerminal();
    expect(await backend(terminal, `${port}`, 'server-2', false)).toBe(1);
    expect(terminal.said.err).toContain(`cannot listen on port ${port}: `);
    if (process.platform === 'linux') expect(terminal.said.err).toContain(`pid ${process.pid}`);
  });
});
