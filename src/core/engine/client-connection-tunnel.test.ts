/** client-connection.ts when the protocol is switched: bytes as they are, both ways. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  type Raw,
  type RawBackend,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';

const ASK = get('/chat', 'Connection: Upgrade\r\nUpgrade: echo\r\n');
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

interface Asked {
  readonly stage: Stage;
  readonly backend: RawBackend;
  readonly client: Raw;
}

/** A client has asked for a tunnel; the backend has not answered. */
function asked(text = ASK, options: StageOptions = {}): Asked {
  const stage = new Stage(options);
  const backend = stage.backend();
  const client = stage.ask(text, 50);
  return { stage, backend, client };
}

/** The tunnel is open; what was said so far is taken. */
function open(options: StageOptions = {}): Asked {
  const all = asked(ASK, options);
  all.backend.last.send(SWITCH);
  all.stage.pass(50);
  expect(all.client.take()).toBe(SWITCH);
  all.backend.last.take();
  return all;
}

describe('a tunnel', () => {
  it('passes on the FIN of a client that ended before the backend agreed', () => {
    const { stage, backend, client } = asked();
    client.socket.end();
    stage.pass(2);
    backend.last.send(SWITCH);
    stage.pass(2);
    expect(backend.last.ended).toBe(true);
    backend.last.send('last words').socket.end();
    stage.pass(2);
    expect(client.received.endsWith('last words')).toBe(true);
    expect(client.closed).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('is not idle while only the client talks', () => {
    const { stage, client } = open({ timeouts: { tunnelIdleMs: 2000 } });
    for (let i = 0; i < 10; i++) {
      client.send('x');
      stage.pass(500);
    }
    expect(client.closed).toBe(undefined);
    stage.pass(2100);
    expect(client.wasReset).toBe(true);
    expect(stage.record.failure?.kind).toBe('timeout_tunnel');
    expect(stage.leftovers()).toBe('');
  });

  it('carries bytes as they are, both ways', () => {
    const { stage, backend, client } = open();
    client.send('\x00\xff\r\n\r\nGET / HTTP/9.9\r\n');
    backend.last.send('HTTP/1.1 200 OK\r\n\r\n\x00\xff');
    stage.pass(2);
    expect(backend.last.received).toBe('\x00\xff\r\n\r\nGET / HTTP/9.9\r\n');
    expect(client.received).toBe('HTTP/1.1 200 OK\r\n\r\n\x00\xff');
    expect(stage.engine.open()).toMatchObject({ connections: 1, tunnels: 1 });
    expect(stage.leftovers()).toBe('');
  });

  it('lets a silent client be, long after other deadlines', () => {
    const { stage, backend, client } = open();
    stage.pass(3_000_000);
    backend.last.send('still here');
    stage.pass(2);
    expect(client.received).toBe('still here');
    expect(stage.records).toEqual([]);
  });

  it('holds what the client sends early until the protocol is switched', () => {
    const { stage, backend, client } = asked(`${ASK}early`);
    client.send(' bird');
    stage.pass(2);
    expect(backend.last.take()).toMatch(/\r\n\r\n$/);
    backend.last.send(`${SWITCH}hello`);
    stage.pass(2);
    expect(backend.last.received).toBe('early bird');
    expect(client.received).toBe(`${SWITCH}hello`);
    expect(stage.leftovers()).toBe('');
  });

  it('goes on after more than 64 KiB of early bytes, for which the client had to wait', () => {
    const { stage, backend, client } = asked();
    client.send('x'.repeat(300_000));
    stage.pass(50);
    backend.last.take();
    backend.last.send(SWITCH);
    stage.pass(50);
    client.send('late');
    stage.pass(50);
    expect(backend.last.received.length).toBe(300_004);
    expect(backend.last.received.endsWith('xlate')).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('takes what came early for a request if it does not come about', () => {
    const { stage, backend, client } = asked(ASK + get('/next'));
    backend.last.send(ok('no tunnel'));
    stage.pass(2);
    expect(backend.connections.map(({ received }) => received).join('')).toContain('GET /next ');
    backend.last.send(ok('next'));
    stage.pass(2);
    expect(client.statuses).toEqual([200, 200]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('the end of a tunnel', () => {
  it('comes with both FINs; after the client`s the backend goes on', () => {
    const { stage, backend, client } = open();
    client.send('bye');
    client.socket.end();
    stage.pass(2);
    expect(backend.last.received).toBe('bye');
    expect(backend.last.ended).toBe(true);
    backend.last.send('one more thing');
    stage.pass(1000);
    expect(client.received).toBe('one more thing');
    expect([client.ended, stage.records.length]).toEqual([false, 0]);
    backend.last.socket.end();
    stage.pass(2);
    expect([client.closed, backend.last.closed]).toEqual([null, null]);
    expect(stage.record).toMatchObject({
      status: 101,
      failure: null,
      requestBodyBytes: 3,
      responseBodyBytes: 14,
    });
    expect(stage.engine.open()).toMatchObject({ connections: 0, exchanges: 0, tunnels: 0 });
    expect(stage.leftovers()).toBe('');
  });

  it('comes with both FINs; after the backend`s the client goes on', () => {
    const { stage, backend, client } = open();
    backend.last.send('bye');
    backend.last.socket.end();
    stage.pass(2);
    expect(client.received).toBe('bye');
    expect(client.ended).toBe(true);
    client.send('one more thing');
    stage.pass(1000);
    expect(backend.last.received).toBe('one more thing');
    expect([backend.last.ended, stage.records.length]).toEqual([false, 0]);
    client.socket.end();
    stage.pass(2);
    expect([client.closed, backend.last.closed]).toEqual([null, null]);
    expect(stage.record.failure).toBe(null);
    expect(stage.engine.open()).toMatchObject({ connections: 0, exchanges: 0, tunnels: 0 });
    expect(stage.leftovers()).toBe('');
  });

  it('comes after what the client sent early with its FIN', () => {
    const { stage, backend, client } = asked(`${ASK}early`);
    client.socket.end();
    stage.pass(2);
    backend.last.take();
    backend.last.send(SWITCH);
    stage.pass(2);
    expect(backend.last.received).toBe('early');
    expect(backend.last.ended).toBe(true);
    backend.last.socket.end();
    stage.pass(2);
    expect(client.closed).toBe(null);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('is a reset where the other side was reset', () => {
    const byClient = open();
    byClient.client.socket.reset();
    byClient.stage.pass(2);
    expect(byClient.backend.last.wasReset).toBe(true);
    expect(byClient.stage.record.failure).toMatchObject({ kind: 'reset', side: 'client' });
    expect(byClient.stage.leftovers()).toBe('');
    const byBackend = open();
    byBackend.backend.last.socket.reset();
    byBackend.stage.pass(2);
    expect(byBackend.client.wasReset).toBe(true);
    expect(byBackend.stage.record.failure).toMatchObject({ kind: 'reset', side: 'backend' });
    expect(byBackend.stage.leftovers()).toBe('');
  });

  it('is a reset at the deadline of a stop', () => {
    const { stage, backend, client } = open();
    stage.engine.beginStop();
    stage.pass(20_000);
    expect(client.closed).toBe(undefined);
    stage.engine.cutAll();
    stage.pass(2);
    expect([client.wasReset, backend.last.wasReset]).toEqual([true, true]);
    expect(stage.record.failure).toMatchObject({ kind: 'stopping', side: 'us' });
    expect(stage.leftovers()).toBe('');
  });
});

describe('a side of a tunnel that does not read', () => {
  const network = { sendBufferBytes: 10_000 };
  const MUCH = 1_000_000;
  /** Bytes on both wires, and some in our memory. */
  const FEW = 60_000;

  it('holds the other one back, and gets everything in the end', () => {
    for (const slow of ['client', 'backend'] as const) {
      const { stage, backend, client } = open({ network });
      const [reader, writer] = slow === 'client' ? [client, backend.last] : [backend.last, client];
      reader.socket.pause();
      for (let sent = 0; sent < MUCH; sent += 5000) writer.send('x'.repeat(5000));
      stage.pass(100_000);
      expect(writer.socket.unsentBytes()).toBeGreaterThan(MUCH - FEW);
      reader.socket.resume();
      stage.pass(1000);
      expect(reader.count).toBe(MUCH + (slow === 'client' ? SWITCH.length : ASKED));
      expect(stage.leftovers()).toBe('');
    }
  });

  it('does not hold up its own bytes', () => {
    const { stage, backend, client } = open({ network });
    client.socket.pause();
    backend.last.send('x'.repeat(MUCH));
    stage.pass(100);
    client.send('y'.repeat(MUCH));
    stage.pass(1000);
    expect(backend.last.received).toBe('y'.repeat(MUCH));
  });
});

/** Bytes of the request head as the backend gets it. */
const ASKED = asked().backend.last.count;
