/** Few descriptors and many clients: what has begun ends well, and the process keeps calm. */
import { connect, type Socket } from 'node:net';
import { Balancer, shortConfig } from '../e2e/harness/balancer.ts';
import { get } from '../e2e/harness/http-client.ts';
import { RawClient } from '../e2e/harness/raw-client.ts';
import { defaultWorkers } from '../e2e/harness/runtime.ts';
import { until } from '../e2e/harness/until.ts';
import { atLeast, atMost, type Figure, pause, type Scale, told } from './figures.ts';
import { type Behaviour, HostileBackend, response } from './hostile-backends.ts';
import { cpuMicroseconds } from './process-figures.ts';

const established = 40;
const waves = 5;
const waveMs = 700;
/** Each worker says it once a second, give or take the wheel's and the machine's moods. */
const secondMs = 900;
const idleMs = 1500;

/** A client that does nothing, or asks and stays. `turnedAway`: it was, and got nothing. */
function stranger(port: number, asks: boolean, onGone: (answered: boolean) => void): Socket {
  let answered = false;
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('connect', () => {
    if (asks) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });
  socket.on('data', () => {
    answered = true;
  });
  socket.on('error', () => {});
  socket.on('close', () => onGone(answered));
  return socket;
}

async function storm(port: number, clients: number): Promise<{ turnedAway: number }> {
  const result = { turnedAway: 0 };
  const sockets: Socket[] = [];
  let counting = true;
  const gone = (answered: boolean): void => {
    if (counting && !answered) result.turnedAway++;
  };
  // Half at once, the others in waves, so that there is something to say for seconds.
  const sizes = [clients / 2, ...Array.from({ length: waves }, () => clients / (2 * waves))];
  for (const size of sizes) {
    for (let n = 0; n < size; n++) sockets.push(stranger(port, n % 2 === 0, gone));
    await pause(waveMs);
  }
  counting = false;
  for (const socket of sockets) socket.destroy();
  return result;
}

/** The most of these log lines within a second. */
function mostInASecond(balancer: Balancer, event: string): number {
  const times = balancer
    .logs()
    .filter((line) => line.event === event)
    .map(({ time }) => Date.parse(String(time)));
  const within = (from: number): number =>
    times.filter((ms) => ms >= from && ms < from + secondMs).length;
  return Math.max(0, ...times.map(within));
}

/** Part of one processor that a process uses while nothing happens, in %. */
async function idleProcessor(balancer: Balancer): Promise<number> {
  const pid = balancer.process.pid!;
  const began = performance.now();
  const before = cpuMicroseconds(pid);
  await pause(idleMs);
  const used = cpuMicroseconds(pid) - before;
  return used / 10 / (performance.now() - began);
}

/** `ulimit -n 256` and far more clients than that. */
export async function descriptors(scale: Scale): Promise<Figure[]> {
  const clients = scale === 'full' ? 2000 : 400;
  const held: (() => void)[] = [];
  const behave: Behaviour = (socket, { target }) => {
    const answer = (): void => void socket.write(response(target));
    if (target.startsWith('/held')) held.push(answer);
    else answer();
  };
  const backend = new HostileBackend(0, behave);
  await backend.start();
  const balancer = await Balancer.start({
    config: `${shortConfig([backend.url])}log: {access: false}\n`,
    shell: 'ulimit -n 256; exec "$@"',
  });
  const first: RawClient[] = [];
  for (let n = 0; n < established; n++) {
    const client = await RawClient.connect(balancer.port);
    await client.send(`GET /held-${n} HTTP/1.1\r\nHost: a\r\n\r\n`);
    first.push(client);
  }
  await until('the backend has them', () => held.length === established);
  const { turnedAway } = await storm(balancer.port, clients);
  for (const answer of held) answer();
  await pause(waveMs);
  const good = first.filter((client, n) => {
    const [answer] = client.responses();
    return answer?.complete === true && answer.body === `/held-${n}`;
  });
  for (const client of first) client.destroy();
  // What is left of the storm is to be seen and cleaned up.
  await pause(waveMs);
  const processor = await idleProcessor(balancer);
  const { status } = await get(balancer.port);
  const most = mostInASecond(balancer, 'connections_turned_away');
  const lines = balancer.logs().filter(({ event }) => event === 'connections_turned_away');
  const counted = lines.reduce((sum, { connections }) => sum + Number(connections), 0);
  const crashed = !balancer.isRunning();
  await balancer.stop('SIGKILL');
  await backend.stop();
  return [
    told('256 descriptors: clients', clients + established),
    told('256 descriptors: clients turned away or dropped', turnedAway),
    atLeast('256 descriptors: connections_turned_away lines', lines.length, 1),
    told('256 descriptors: turned away, as they say', counted),
    atMost('256 descriptors: lines in a second, over all workers', most, defaultWorkers()),
    atMost('256 descriptors: established exchanges lost', established - good.length, 0),
    atMost('256 descriptors: processor when idle again, %', processor, 20),
    atMost('256 descriptors: refusals when idle again', status === 200 ? 0 : 1, 0),
    atMost('256 descriptors: crashes', Number(crashed), 0),
  ];
}
