/** Limits of a real process, with as many workers as the runtime allows. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Balancer } from './harness/balancer.ts';
import { Crew, workerOf } from './harness/crew.ts';
import { type Answered, field, get } from './harness/http-client.ts';
import { plainGet } from './harness/load.ts';
import { RawClient } from './harness/raw-client.ts';
import { runtimeFacts } from './harness/runtime.ts';
import { until } from './harness/until.ts';

const workers = runtimeFacts().sharesPorts ? 2 : 1;
const crew = new Crew();
const balancers: Balancer[] = [];

beforeAll(() => crew.open());
afterAll(() => crew.close());
afterEach(async () => {
  for (const balancer of balancers.splice(0)) await balancer.stop('SIGKILL');
});

it('turns away the connections of a client that has enough, whoever would take them', async () => {
  const config =
    `port: $PORT\nworkers: ${workers}\nbackends: ["${crew.members[0].url}"]\n` +
    'limits: {max_connections_per_client: 10}\n';
  const balancer = await Balancer.start({ config });
  balancers.push(balancer);
  await balancer.logged('started', 20_000);
  const ten = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(balancer.port)));
  for (const client of ten) {
    await client.send(plainGet());
    await client.until(() => client.responses().length > 0 || client.ended !== null, 10_000);
  }
  expect(ten.map(({ ended }) => ended)).toEqual(new Array(10).fill(null));
  // One that is turned away may see that before it is connected.
  const isServed = (): Promise<boolean> =>
    get(balancer.port).then(
      ({ status }) => status === 200,
      () => false,
    );
  expect(await isServed()).toBe(false);
  for (const client of ten) client.destroy();
  await until('one that comes when they have gone is served', isServed);
  expect(await balancer.logged('clients_turned_away', 10_000)).toMatchObject({ limit: 10 });
});

it('lets exactly the burst of 200 requests at once through, whoever takes them', async () => {
  const [{ url }] = crew.members;
  const config =
    `port: $PORT\nworkers: ${workers}\nbackends: ["${url}"]\n` +
    'routes:\n  - path: /login\n    pool: default\n' +
    '    rate_limits: [{rate: 1/h, burst: 20}]\n  - pool: default\n';
  const balancer = await Balancer.start({ config });
  balancers.push(balancer);
  await balancer.logged('started', 20_000);
  const ask = (target: string): Promise<Answered> => get(balancer.port, target);
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask('/login')));
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([...new Array(20).fill(200), ...new Array(180).fill(429)]);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(Number(field(refused, 'retry-after'))).toBeGreaterThan(3590);
  expect(field(refused, 'ratelimit-policy')).toBe('"default";q=1;w=3600');
  expect((await ask('/')).status).toBe(200);

  await balancer.reload(`${config}log: {level: debug}\n`);
  expect((await ask('/login')).status).toBe(429);
  await balancer.stop('SIGTERM');
  const lines = balancer.logs().filter(({ event }) => event === 'exchange');
  expect(lines.filter(({ end }) => end === 'rate_limited')).toHaveLength(181);
  expect(new Set(lines.map((line) => workerOf(line.request_id))).size).toBe(workers);
});
