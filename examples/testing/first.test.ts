/** The example of docs/testing.md. */
import { createWorld } from 'evenkeel/testing';
import { expect, it } from 'vitest';

it('survives the death of a backend', async () => {
  const world = createWorld({ seed: 1 });
  const one = world.backend('http://one:9001');
  const two = world.backend('http://two:9002', (request) => ({
    status: 200,
    headers: { 'X-Path': request.path },
    body: 'hello from two',
    afterMs: 20,
  }));
  await world.balancer({ backends: [one.url, two.url], health_check: { path: '/health' } });

  world.after('10s', () => one.kill());
  await world.run('30s');
  expect(await world.get('/cart')).toMatchObject({ status: 200, body: 'hello from two' });
  expect(world.events.map(({ event }) => event)).toContain('backend_down');
});
