import { describe, expect, it } from 'vitest';
import { routeConfig } from '../../../sim/default-config.ts';
import { get, ok, Stage } from '../../../test/engine-stage/engine-stage.ts';

/** Two pools of one backend each: server-1 and server-2. */
function twoPools(): Stage {
  const routes = [
    routeConfig({ pathPrefix: '/two', pool: 'two' }),
    routeConfig({ hosts: ['a.test'] }),
  ];
  const stage = new Stage({ backends: 2, config: { routes: [] } });
  for (const number of [1, 2]) stage.backend(number).answering(ok(`from ${number}`));
  const [pool] = stage.config.pools;
  const [one, two] = pool.backends;
  const pools = [
    { ...pool, backends: [one] },
    { ...pool, name: 'two', backends: [two] },
  ];
  stage.configure({ ...stage.config, pools, routes }, ({ name }) => [
    stage.backends[name === 'two' ? 1 : 0],
  ]);
  return stage;
}

describe('a request', () => {
  it('goes to the pool of its route', () => {
    const stage = twoPools();
    expect(stage.ask(get('/two/x')).received).toContain('from 2');
    expect(stage.ask(get('/twox')).received).toContain('from 1');
  });

  it('goes nowhere without a route, and the log says why', () => {
    const stage = twoPools();
    const client = stage.ask(get('/').replace('a.test', 'b.test'));
    expect(client.statuses).toEqual([404]);
    expect(stage.record.failure).toMatchObject({ kind: 'no_route', side: 'us', phase: 'route' });
    expect(stage.record.pool).toBe(null);
  });
});
