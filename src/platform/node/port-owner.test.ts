import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { describePortOwner, listeningSockets, portOwner } from './port-owner.ts';

const table = `\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 41207 1
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 41300 1
   2: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41208 1
`;

describe('listeningSockets', () => {
  it('finds those that listen on the port, not connections from or to it', () => {
    expect(listeningSockets(table, 8080)).toMatchObject([{ inode: '41207', uid: 33 }]);
    expect(listeningSockets(table, 9001)).toMatchObject([{ inode: '41208', uid: 0 }]);
    expect(listeningSockets(table, 50_000)).toEqual([]);
  });

  it('reads the long addresses of IPv6', () => {
    const none = '0'.repeat(32);
    const six = `header\n   0: ${none}:0050 ${none}:0000 0A 0:0 00:0 0  1000  0 77 1\n`;
    expect(listeningSockets(six, 80)).toMatchObject([{ inode: '77', uid: 1000 }]);
  });

  it('finds nothing in nothing', () => {
    expect(listeningSockets('', 80)).toEqual([]);
  });
});

describe.runIf(existsSync('/proc/net/tcp'))('portOwner', () => {
  it.each(['127.0.0.1', '::1', '::'])('finds the process that listens on %s', async (host) => {
    const server = createServer();
    const error = await new Promise((resolve) => {
      server.once('error', resolve).listen(0, host, () => resolve(null));
    });
    if (error !== null) return; // No IPv6 on this machine.
    const { port } = server.address() as AddressInfo;
    try {
      expect(portOwner(port)?.pid).toBe(process.pid);
      expect(describePortOwner(portOwner(port))).toMatch(new RegExp(` \\(pid ${process.pid}\\)$`));
    } finally {
      server.close();
    }
  });

  it('knows nobody for a port on which nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(portOwner(port)).toBeNull();
  });
});

describe('describePortOwner', () => {
  it('says what is known', () => {
    expect(describePortOwner({ pid: 7, program: 'nginx', uid: 0 })).toBe('nginx (pid 7)');
    expect(describePortOwner({ pid: 7, program: null, uid: 0 })).toBe('process 7');
    expect(describePortOwner({ pid: null, program: null, uid: 33 })).toBe('a process of user 33');
    expect(describePortOwner(null)).toBeNull();
  });
});
