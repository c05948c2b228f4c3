import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../../sim/clock.ts';
import { listenerConfig } from '../../../sim/default-config.ts';
import { createSimNetwork } from '../../../sim/network.ts';
import { createRng } from '../base/rng.ts';
import type { SocketHandler } from '../base/transport.ts';
import { Listeners } from './listeners.ts';

const silent: SocketHandler = { onOpen() {}, onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

function world() {
  const clock = createSimClock();
  const network = createSimNetwork({ clock, rng: createRng(1), options: {} });
  let accepted = 0;
  const listeners = new Listeners(network.transport('10.0.0.100'), clock, () => {
    accepted++;
    return silent;
  });
  const knock = (port: number) =>
    network.transport('10.0.0.1').connect({ address: '10.0.0.100', port, tls: null }, silent);
  const pass = (ms: number) => clock.run(clock.nowMs() + ms);
  return { listeners, knock, pass, accepted: () => accepted };
}

describe('listeners', () => {
  it('count from the moment they are asked for, and tell their port', () => {
    const { listeners, pass } = world();
    const ports: number[] = [];
    listeners.open(listenerConfig(8080), (failure, port) => {
      expect(failure).toBeNull();
      ports.push(port);
    });
    expect(listeners.size).toBe(1);
    pass(1);
    expect(ports).toEqual([8080]);
    expect(listeners.all().map(({ port }) => port)).toEqual([8080]);
  });

  it('that cannot be opened are gone, and say why', () => {
    const { listeners, pass } = world();
    listeners.open(listenerConfig(8080), () => {});
    const other = { ...listenerConfig(8080), address: 'again' };
    let why = '';
    listeners.open(other, (failure) => {
      why = failure?.kind ?? '';
    });
    pass(1);
    expect(why).toBe('address_in_use');
    expect(listeners.size).toBe(1);
  });

  it('close alone', () => {
    const { listeners, knock, pass, accepted } = world();
    for (const port of [8080, 8081]) listeners.open(listenerConfig(port), () => {});
    pass(1);
    listeners.close(listenerConfig(8080));
    for (const port of [8080, 8081]) knock(port);
    pass(10);
    expect(accepted()).toBe(1);
    expect(listeners.size).toBe(1);
  });

  it('close all, and count until their queues are empty', () => {
    const { listeners, knock, pass, accepted } = world();
    listeners.open(listenerConfig(8080), () => {});
    pass(1);
    knock(8080);
    pass(10);
    listeners.closeAll();
    expect(listeners.size).toBe(1);
    expect(listeners.all()).toEqual([]);
    pass(1100);
    expect(accepted()).toBe(1);
    expect(listeners.size).toBe(0);
    knock(8080);
    pass(10);
    expect(accepted()).toBe(1);
  });
});
