/** client-connection.ts and time: deadlines, minimum rates, who holds whom back. */
import { describe, expect, it } from 'vitest';
import {
  get,
  ok,
  post,
  Stage,
  type StageOptions,
} from '../../../test/engine-stage/engine-stage.ts';

function staged(options: StageOptions = {}) {
  const stage = new Stage(options);
  return { stage, backend: stage.backend() };
}

const UPLOAD = `POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n`;
/** So little on the way that a peer which does not read is felt soon. */
const network = { sendBufferBytes: 10_000 };

describe('a head', () => {
  it('must be whole within ten seconds of its first byte: 408', () => {
    const { stage } = staged();
    const client = stage.ask('GET / HTTP/1.1\r\n');
    for (let i = 0; i < 9; i++) {
      client.send('X: y\r\n');
      stage.pass(1000);
    }
    expect(client.statuses).toEqual([]);
    stage.pass(1100);
    expect(client.statuses).toEqual([408]);
    expect(client.received).toContain('\r\nConnection: close\r\n');
    expect(client.ended).toBe(true);
    expect(stage.record).toMatchObject({
      method: 'GET',
      target: '/',
      status: 408,
      failure: { kind: 'timeout_head', side: 'client', phase: 'parse' },
    });
    expect(stage.record.failure!.cause).toContain('within 10 s (timeouts.client_head)');
    expect(stage.leftovers()).toBe('');
  });

  it('has its ten seconds also on a kept connection', () => {
    const { stage, backend } = staged();
    backend.answering();
    const client = stage.ask(get());
    stage.pass(60_000);
    client.send('G');
    stage.pass(9900);
    expect(client.statuses).toEqual([200]);
    stage.pass(200);
    expect(client.statuses).toEqual([200, 408]);
    expect(stage.leftovers()).toBe('');
  });

  it('that never begins ends the connection after ten seconds without a word', () => {
    const { stage } = staged();
    const client = stage.client();
    stage.pass(9900);
    expect(client.ended).toBe(false);
    stage.pass(200);
    expect([client.ended, client.received, stage.records.length]).toEqual([true, '', 0]);
    expect(stage.leftovers()).toBe('');
  });
});

describe('an idle connection', () => {
  it('is closed after 75 seconds, counted from its last answer', () => {
    const { stage, backend } = staged();
    backend.answering();
    const client = stage.ask(get());
    stage.pass(70_000);
    client.send(get());
    stage.pass(74_900);
    expect(client.ended).toBe(false);
    stage.pass(200);
    expect([client.ended, client.wasReset]).toEqual([true, false]);
    expect(client.statuses).toEqual([200, 200]);
    expect(stage.leftovers()).toBe('');
  });

  it('is no deadline for a backend that takes long', () => {
    const { stage, backend } = staged({ timeouts: { responseHeadMs: 600_000 } });
    const client = stage.ask(get());
    const uploader = stage.ask(post('hello').slice(0, -2));
    uploader.send('lo');
    stage.pass(500_000);
    for (const connection of backend.connections) connection.send(ok());
    stage.pass(2);
    expect([client.statuses, uploader.statuses]).toEqual([[200], [200]]);
  });
});

describe('a client that sends its body too slowly', () => {
  it('is told so: 408', () => {
    const { stage, backend } = staged();
    const client = stage.ask(UPLOAD);
    for (let i = 0; i < 5; i++) {
      client.send('x'.repeat(200));
      stage.pass(1000);
    }
    stage.pass(100);
    expect(client.statuses).toEqual([408]);
    expect(client.ended).toBe(true);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.record.failure).toMatchObject({ kind: 'too_slow', side: 'client' });
    expect(stage.leftovers()).toBe('');
  });

  it('is not one that is just fast enough', () => {
    const { stage } = staged();
    const client = stage.ask(UPLOAD);
    for (let i = 0; i < 60; i++) {
      client.send('x'.repeat(250));
      stage.pass(1000);
    }
    expect([client.received, client.closed]).toEqual(['', undefined]);
  });

  it('is one that falls silent for a minute: 408', () => {
    const { stage } = staged();
    const client = stage.ask(UPLOAD);
    client.send('x'.repeat(5000));
    stage.pass(64_000);
    expect(client.statuses).toEqual([]);
    stage.pass(1500);
    expect(client.statuses).toEqual([408]);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'client' });
    expect(stage.leftovers()).toBe('');
  });

  it('is reset when its answer has begun', () => {
    const { stage, backend } = staged();
    const client = stage.ask(UPLOAD);
    client.send('hello');
    backend.last.send(ok('x'.repeat(100)).slice(0, -50));
    stage.pass(5100);
    expect(client.statuses).toEqual([200]);
    expect([client.wasReset, backend.last.wasReset]).toEqual([true, true]);
    expect(stage.record.failure).toMatchObject({ kind: 'too_slow', side: 'client' });
    expect(stage.leftovers()).toBe('');
  });
});

describe('a client that has not sent its whole request', () => {
  it('is timed on when it has taken all that has come of its answer', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(UPLOAD);
    client.socket.pause();
    backend.last.send(ok('x'.repeat(100_000)).slice(0, -50_000));
    stage.pass(100);
    client.socket.resume();
    stage.pass(100);
    expect(client.count).toBeGreaterThan(50_000);
    stage.pass(10_000);
    expect(stage.records).toEqual([]);
    client.send('x'.repeat(10));
    stage.pass(6000);
    expect(stage.record.failure).toMatchObject({ kind: 'too_slow', side: 'client' });
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  /** The answer has begun; the body has not come. */
  function begun() {
    const { stage, backend } = staged({ network });
    const client = stage.ask(UPLOAD);
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
    return { stage, backend, client };
  }

  it('is not silent while it takes an answer, however slowly that comes', () => {
    const { stage, backend, client } = begun();
    for (let second = 0; second < 200; second += 10) {
      backend.last.send('abc');
      stage.pass(10_000);
    }
    expect(client.received.endsWith('abc'.repeat(20))).toBe(true);
    expect([stage.records, client.closed]).toEqual([[], undefined]);
    expect(stage.leftovers()).toBe('');
  });

  it('is not too slow while it takes an answer faster than it sends', () => {
    const { stage, backend, client } = begun();
    for (let second = 0; second < 30; second++) {
      backend.last.send('x'.repeat(500));
      client.send('y');
      stage.pass(1000);
    }
    expect([stage.records, client.closed]).toEqual([[], undefined]);
    expect(backend.last.received.endsWith('y'.repeat(30))).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('is silent when it takes nothing either, and too slow when it takes too little', () => {
    for (const [readMs, kind] of [
      [0, 'timeout_idle'],
      [0.05, 'too_slow'],
    ] as const) {
      const { stage, backend, client } = begun();
      client.socket.pause();
      backend.last.send('x'.repeat(900_000));
      stage.pass(5000);
      stage.network.options.sendBufferBytes = 100;
      for (let second = 0; second < 70 && stage.records.length === 0; second++) {
        if (readMs > 0) client.socket.resume();
        stage.pass(readMs);
        client.socket.pause();
        stage.pass(1000 - readMs);
      }
      expect(stage.record.failure).toMatchObject({ kind, side: 'client' });
      expect(stage.leftovers()).toBe('');
    }
  });
});

describe('a client that sends much and takes nothing', () => {
  it('is the one to blame where the backend waits for its answer to be taken', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(UPLOAD);
    client.socket.pause();
    backend.last.socket.pause();
    backend.last.send(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(900_000)}`);
    client.send('y'.repeat(900_000));
    stage.pass(59_000);
    expect(stage.records).toEqual([]);
    stage.pass(15_000);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'client' });
    expect(stage.leftovers()).toBe('');
  });
});

describe('a client that takes its answer too slowly', () => {
  /** The backend has sent a megabyte, the client reads nothing yet. */
  function unread() {
    const { stage, backend } = staged({ network });
    const client = stage.ask(get());
    client.socket.pause();
    backend.last.send(ok('x'.repeat(1_000_000)));
    stage.pass(100);
    return { stage, backend, client };
  }

  it('is reset, and so is the backend', () => {
    const { stage, backend, client } = unread();
    stage.pass(59_000);
    expect(client.closed).toBe(undefined);
    stage.pass(6500);
    expect(backend.last.wasReset).toBe(true);
    expect(stage.record).toMatchObject({
      status: 200,
      failure: { kind: 'timeout_idle', side: 'client' },
    });
    client.socket.resume();
    stage.pass(2);
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });

  it('may have taken a part of it before', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(get());
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst');
    stage.pass(30_000);
    expect(client.received).toMatch(/first$/);
    client.socket.pause();
    backend.last.send('x'.repeat(900_000));
    stage.pass(59_000);
    expect(stage.records).toEqual([]);
    stage.pass(6500);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'client' });
    expect(stage.leftovers()).toBe('');
  });

  /** Reads for `readMs` of each second, until there is a record, `seconds` at most. */
  function sip(
    { stage, client }: ReturnType<typeof unread>,
    seconds: number,
    readMs: number,
  ): void {
    stage.network.options.sendBufferBytes = 100;
    for (let second = 0; second < seconds && stage.records.length === 0; second++) {
      client.socket.resume();
      stage.pass(readMs);
      client.socket.pause();
      stage.pass(1000 - readMs);
    }
  }

  it('is one below the minimum rate', () => {
    const all = unread();
    sip(all, 15, 0.05);
    expect(all.stage.record.failure).toMatchObject({ kind: 'too_slow', side: 'client' });
    expect(all.stage.leftovers()).toBe('');
  });

  it('is not one that reads a little more than that', () => {
    const all = unread();
    sip(all, 60, 2);
    expect(all.client.count).toBeLessThan(150_000);
    expect(all.stage.records).toEqual([]);
  });

  it('is not one whose backend is slow, also after it was slow itself', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(get());
    client.socket.pause();
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 50100\r\n\r\n');
    backend.last.send('x'.repeat(50_000));
    stage.pass(1000);
    client.socket.resume();
    for (let i = 0; i < 100; i++) {
      stage.pass(1000);
      backend.last.send('y');
    }
    stage.pass(2);
    expect(client.received.endsWith(`x${'y'.repeat(100)}`)).toBe(true);
    expect(stage.record.failure).toBe(null);
  });
});

describe('a client that takes nothing', () => {
  it('holds the backend also when the answer has no length and comes in small pieces', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(get());
    client.socket.pause();
    backend.last.send('HTTP/1.1 200 OK\r\n\r\n');
    stage.pass(2);
    for (let i = 0; i < 200; i++) {
      backend.last.send('x'.repeat(5000));
      stage.pass(1);
    }
    expect(backend.last.socket.unsentBytes()).toBeGreaterThan(900_000);
    client.socket.resume();
    stage.pass(1000);
    backend.last.socket.end();
    stage.pass(10);
    expect(client.count).toBeGreaterThan(1_000_000);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });

  it('is watched also when its own request has become whole meanwhile', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(post('helloworld').slice(0, -5));
    client.socket.pause();
    backend.last.send(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(500_000)}`);
    stage.pass(10);
    client.send('world');
    stage.pass(70_000);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'client' });
    expect(stage.leftovers()).toBe('');
  });
});

describe('an answer that is whole and that the client has not taken', () => {
  /** Half of it fits on the wire. */
  function untaken(fields = '') {
    const { stage, backend } = staged();
    const client = stage.ask(get('/', fields));
    client.socket.pause();
    backend.last.send(ok('x'.repeat(16_000)));
    stage.network.options.sendBufferBytes = network.sendBufferBytes;
    stage.pass(2);
    expect(stage.record.failure).toBe(null);
    return { stage, client };
  }

  it('is waited for, longer than the connection would be kept', () => {
    const cases = [
      ['', 130_000],
      ['Connection: close\r\n', 60_000],
    ] as const;
    for (const [fields, ms] of cases) {
      const { stage, client } = untaken(fields);
      stage.pass(ms);
      client.socket.resume();
      stage.pass(2);
      expect(client.received.endsWith('x'.repeat(16_000))).toBe(true);
      expect(client.wasReset).toBe(false);
      expect(stage.leftovers()).toBe('');
    }
  });

  it('does not hold the connection for ever', () => {
    const { stage, client } = untaken();
    stage.pass(134_000);
    expect(stage.engine.open().connections).toBe(1);
    stage.pass(2000);
    expect(stage.engine.open().connections).toBe(0);
    client.socket.resume();
    stage.pass(2);
    expect(client.wasReset).toBe(true);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a backend that does not read', () => {
  it('holds the client back; the client is not to blame for it', () => {
    const { stage, backend } = staged({ network, timeouts: { idleMs: 300_000 } });
    const client = stage.ask(UPLOAD);
    backend.last.socket.pause();
    client.send('x'.repeat(1_000_000));
    stage.pass(200_000);
    // Two wires full, and what was read at once.
    expect(client.socket.unsentBytes()).toBeGreaterThan(900_000);
    expect(stage.records).toEqual([]);
    backend.last.socket.resume();
    stage.pass(1000);
    expect(backend.last.received.endsWith('x'.repeat(1_000_000))).toBe(true);
    backend.last.send(ok());
    stage.pass(2);
    expect(client.statuses).toEqual([200]);
    expect(stage.leftovers()).toBe('');
  });

  it('may read so little that the client seems slow', () => {
    const { stage, backend } = staged({ network: { sendBufferBytes: 500 } });
    const client = stage.ask(UPLOAD);
    backend.last.socket.pause();
    client.send('x'.repeat(100_000));
    for (let second = 0; second < 100; second += 2) {
      stage.pass(1999.9);
      backend.last.socket.resume();
      stage.pass(0.05);
      backend.last.socket.pause();
      stage.pass(0.05);
    }
    expect(backend.last.count).toBeGreaterThan(10_000);
    expect(client.socket.unsentBytes()).toBeGreaterThan(50_000);
    expect(stage.records).toEqual([]);
    expect(stage.leftovers()).toBe('');
  });

  it('is to blame itself when it reads nothing for a minute: 504', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(UPLOAD);
    backend.last.socket.pause();
    client.send('x'.repeat(1_000_000));
    stage.pass(59_000);
    expect(client.statuses).toEqual([]);
    stage.pass(2000);
    expect(client.statuses).toEqual([504]);
    // The rest is read and thrown away, or the answer might be lost.
    expect(client.socket.unsentBytes()).toBe(0);
    expect(stage.record.failure).toMatchObject({ kind: 'timeout_idle', side: 'backend' });
    expect(stage.leftovers()).toBe('');
  });

  it('holds the client back while it is being connected, at 64 KiB', () => {
    const { stage } = staged({ network, timeouts: { connectMs: 100_000 } });
    stage.network.blackHole('10.0.0.1');
    const client = stage.ask(UPLOAD + 'x'.repeat(1_000_000), 50_000);
    const taken = UPLOAD.length + 1_000_000 - client.socket.unsentBytes();
    expect(taken).toBeGreaterThan(64 * 1024);
    expect(taken).toBeLessThan(100_000);
    expect(stage.records).toEqual([]);
    stage.network.heal('10.0.0.1');
    stage.pass(1000);
    expect(client.socket.unsentBytes()).toBe(0);
    expect(stage.leftovers()).toBe('');
  });
});

describe('a client that does not read', () => {
  it('holds the backend back, and gets everything in the end', () => {
    const { stage, backend } = staged({ network });
    const client = stage.ask(get());
    client.socket.pause();
    backend.last.send('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
    for (let i = 0; i < 200; i++) {
      backend.last.send('x'.repeat(5000));
      stage.pass(1);
    }
    expect(backend.last.socket.unsentBytes()).toBeGreaterThan(900_000);
    client.socket.resume();
    stage.pass(1000);
    expect(client.received.endsWith('x'.repeat(1_000_000))).toBe(true);
    expect(stage.record.failure).toBe(null);
    expect(stage.leftovers()).toBe('');
  });
});
