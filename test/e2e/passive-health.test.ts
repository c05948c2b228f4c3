/** What real traffic shows of a backend takes it out, and one exchange brings it back. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Balancer } from './harness/balancer.ts';
import { Crew } from './harness/crew.ts';
import { get } from './harness/http-client.ts';
import { until } from './harness/until.ts';

const waitMs = 15_000;
const crew = new Crew();
let balancer: Balancer;

beforeAll(() => crew.open());
afterAll(() => crew.close());
afterEach(() => balancer.stop('SIGKILL'));

/** The statuses of so many requests, one after the other. */
async function statuses(count: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await get(balancer.port)).status);
  return all;
}

it('a backend that answers 503 five times gets nothing more until its trial', async () => {
  const backends = crew.members.map(({ url, name }) => `  - {url: "${url}", name: ${name}}\n`);
  const passive = 'passive_health: {ejection_time: 300ms}\n';
  const config = `port: $PORT\nbackends:\n${backends.join('')}${passive}`;
  balancer = await Balancer.start({ config });
  crew.failing.add('server-3');
  const first = await statuses(15);
  expect(first.filter((status) => status === 503)).toHaveLength(5);
  const ejected = await balancer.logged('backend_ejected', waitMs, { backend: 'server-3' });
  expect(ejected?.why).toBe('5 attempts in a row failed, the last because it answered 503');
  crew.failing.delete('server-3');
  await balancer.logged('backend_trial', waitMs, { backend: 'server-3' });
  await until('it has come back', async () => {
    expect(await statuses(3)).toEqual([200, 200, 200]);
    return balancer.logs().some(({ event, from }) => event === 'backend_up' && from === 'trial');
  });
});
