import { describe, expect, it } from 'vitest';
import type { FakeAnswer } from './fake-backend.ts';
import { createWorld } from './world.ts';

async function worldOf(answer: FakeAnswer | null = {}) {
  const world = createWorld();
  const backend = world.backend('http://one:9001/base', () => answer);
  await world.balancer({ backends: [backend.url], health_check: { path: '/up' } });
  return { world, backend };
}

describe('a fake backend', () => {
  it('is asked with all that it gets, and answers what it is told', async () => {
    const headers = { 'X-A': 'b', 'Content-Type': 'text/plain' };
    const { world, backend } = await worldOf({ status: 418, headers, body: 'tea', afterMs: 40 });
    const options = { headers: { 'X-User': 'ann' }, body: 'größe' };
    const answer = await world.request('PUT', '/x?y', options);
    expect(answer).toMatchObject({ status: 418, body: 'tea', broken: null });
    expect(answer.headers).toMatchObject({ 'x-a': 'b', 'content-type': 'text/plain' });
    expect(answer.tookMs).toBeGreaterThan(40);
    expect(backend.requests).toEqual([
      {
        method: 'PUT',
        path: '/base/x?y',
        headers: expect.objectContaining({ 'x-user': 'ann', 'x-forwarded-for': '192.0.2.1' }),
        body: 'größe',
        atMs: expect.any(Number),
        probe: false,
      },
    ]);
  });

  it('answers HEAD without a body, and 204 without a word of it', async () => {
    const head = await (await worldOf({ body: 'four' })).world.request('HEAD', '/');
    expect([head.headers['content-length'], head.body, head.broken]).toEqual(['4', '', null]);
    const empty = await (await worldOf({ status: 204, body: 'not sent' })).world.get('/');
    expect([empty.status, empty.body, empty.broken]).toEqual([204, '', null]);
  });

  it('is down while it is killed, and up again when it has been healed', async () => {
    const { world, backend } = await worldOf();
    backend.kill();
    expect((await world.get('/')).status).toBe(503);
    backend.heal();
    await world.run('20s');
    expect((await world.get('/')).status).toBe(200);
    expect(backend.requests).toHaveLength(1);
  });

  it('takes longer, hangs, and does neither when it has been healed', async () => {
    const { world, backend } = await worldOf({ afterMs: 10 });
    backend.slow('1s');
    expect((await world.get('/')).tookMs).toBeGreaterThan(1000);
    backend.hang();
    expect((await world.get('/', { timeout: '1s' })).broken).toBe('the client gave up');
    backend.heal();
    expect((await world.get('/')).tookMs).toBeLessThan(100);
  });

  it('is asked by probes, which are not among its requests', async () => {
    const probes: string[] = [];
    const world = createWorld();
    const backend = world.backend('http://one:1', ({ probe, path }) => {
      if (probe) probes.push(path);
      return {};
    });
    await world.balancer({
      backends: [backend.url],
      health_check: { path: '/up', interval: '1s', timeout: '500ms' },
    });
    await world.run('5s');
    expect(probes.length).toBeGreaterThan(3);
    expect([new Set(probes), backend.requests]).toEqual([new Set(['/up']), []]);
  });

  it('may answer by another function later, or not at all', async () => {
    const { world, backend } = await worldOf();
    backend.answer(() => ({ status: 404 }));
    expect((await world.get('/')).status).toBe(404);
    backend.answer(({ probe }) => (probe ? {} : null));
    expect((await world.get('/')).status).toBe(504);
  });

  it('fails the test that waits, where its function fails', async () => {
    const { world, backend } = await worldOf();
    backend.answer(() => {
      throw new Error('of the test');
    });
    await expect(world.get('/')).rejects.toThrow('of the test');
    backend.answer(() => ({ status: 101 }));
    await expect(world.get('/')).rejects.toThrow('answers 101: a status is a whole number, 200 to');
  });

  it('must not answer with a promise, which would end at another moment each time', async () => {
    const { world, backend } = await worldOf();
    // @ts-expect-error: JavaScript would let it pass
    backend.answer(async () => ({ status: 500 }));
    await expect(world.get('/')).rejects.toThrow('answer at once, and wait with afterMs');
  });

  it('says what an answer is where it gets none', async () => {
    const { world, backend } = await worldOf();
    // @ts-expect-error: JavaScript would let it pass
    backend.answer(() => undefined);
    await expect(world.get('/')).rejects.toThrow(
      "http://one:9001/base answers nothing: return { body: 'text' }, or null for no answer",
    );
    // @ts-expect-error: JavaScript would let it pass
    backend.answer(() => ({ body: { a: 1 } }));
    await expect(world.get('/')).rejects.toThrow(
      'a body is a text, not a mapping: write body: JSON.stringify(...)',
    );
  });

  it('is not made of what is no URL, nor of what is no function', async () => {
    const world = createWorld();
    expect(() => world.backend('one:9001')).toThrow('write http://one:9001');
    expect(() => world.backend(9001 as never)).toThrow('a URL is a text, not 9001');
    const answer = { status: 503 } as never;
    const complaint = 'what it answers is a function, not a mapping: () => ({ status: 503 })';
    expect(() => world.backend('http://one:1', answer)).toThrow(complaint);
    expect(() => world.backend('http://two:1').answer(answer)).toThrow(complaint);
  });

  it.each([
    [{ after: 5 }, 'http://one:9001/base answers with "after", which means nothing'],
    [{ afterMs: Number.NaN }, 'answers with afterMs: NaN: write a number of milliseconds, 0 or'],
    [{ afterMs: -5 }, 'answers with afterMs: -5: write'],
    [{ afterMs: '20' }, 'answers with afterMs: "20": write'],
  ])('does not answer %j', async (answer, complaint) => {
    const { world } = await worldOf(answer as FakeAnswer);
    await expect(world.get('/')).rejects.toThrow(complaint);
  });

  it('reads every method that the balancer forwards', async () => {
    const { world, backend } = await worldOf();
    for (const method of ['M-SEARCH', 'get']) await world.request(method, '/');
    expect(backend.requests.map(({ method }) => method)).toEqual(['M-SEARCH', 'get']);
  });
});
