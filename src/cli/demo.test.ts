import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { demoConfig, freePorts, nextSteps, portNotes } from './demo.ts';

const backends = [1, 2, 3].map((n) => ({ name: `server-${n}`, port: 9000 + n, pid: 100 + n }));

describe('the demo', () => {
  it('runs the very configuration of the tutorial', () => {
    const example = new URL('../../examples/config.yaml', import.meta.url);
    expect(demoConfig(8080, backends)).toBe(readFileSync(example, 'utf8'));
  });

  it('takes the next free ports', async () => {
    const taken = new Set([9001, 9003]);
    const probe = async (port: number) => !taken.has(port);
    expect(await freePorts(9001, 3, probe)).toEqual([9002, 9004, 9005]);
    expect(await freePorts(9001, 3, async () => false)).toEqual([]);
  });

  it('sees that a port is taken on one address only', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    try {
      expect(await freePorts(port, 1)).not.toContain(port);
    } finally {
      server.close();
    }
  });

  it('says which ports it could not have', () => {
    expect(portNotes(8080, backends)).toEqual([]);
    const moved = [
      { name: 'server-1', port: 9001 },
      { name: 'server-2', port: 9004 },
    ];
    expect(portNotes(8081, moved)).toEqual([
      'port 8080 is taken, using 8081',
      'port 9002 is taken, using 9004',
    ]);
  });

  it('says what to type next', () => {
    expect(
      nextSteps('http://localhost:8080', backends, 'evenkeel').map(([typed]) => typed),
    ).toEqual([
      'for i in 1 2 3 4 5 6; do curl http://localhost:8080/; done',
      'kill 102',
      'evenkeel backend 9002 server-2',
    ]);
  });
});
