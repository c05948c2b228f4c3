/** The balancer itself stands still for a while: nobody else is blamed for it. */
import { until } from '../e2e/harness/until.ts';
import { Battlefield, loadOn, waitMs } from './battlefield.ts';
import { atMost, type Figure, pause, type Scale, told } from './figures.ts';
import { Tally } from './tally.ts';

/** Long enough for the probes to say what they think. */
const afterwardsMs = 4000;

/** SIGSTOP and SIGCONT of the balancer under load. */
export async function frozen(scale: Scale): Promise<Figure[]> {
  const stillMs = scale === 'full' ? 30_000 : 3000;
  const field = await Battlefield.open(1024);
  const balancer = await field.balancer('full');
  const tally = new Tally('frozen');
  const load = loadOn(balancer, tally.request, tally.add);
  await until('traffic flows', () => tally.count > 500, waitMs);
  balancer.forgetLogs();
  balancer.process.kill('SIGSTOP');
  await pause(stillMs);
  const before = tally.count;
  balancer.process.kill('SIGCONT');
  await until('traffic goes on', () => tally.count > before + 1000, waitMs);
  await pause(afterwardsMs);
  await load.stop();
  const events = balancer.logs().map(({ event }) => event);
  const blamed = events.filter((event) => event === 'backend_down').length;
  const suspected = events.filter((event) => event === 'backend_suspect').length;
  const name = 'balancer frozen';
  const patience = { part: 1, mostMs: stillMs + 15_000 };
  const figures = tally.figures(name, field.files, patience);
  await balancer.stop('SIGKILL');
  await field.close();
  return [
    told(`${name}: s`, stillMs / 1000),
    atMost(`${name}: backends taken for down`, blamed, 0),
    atMost(`${name}: backends suspected`, suspected, 0),
    ...figures,
  ];
}
