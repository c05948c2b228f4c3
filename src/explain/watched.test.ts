import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../sim/clock.ts';
import { listenerConfig } from '../../sim/default-config.ts';
import { createSimNetwork } from '../../sim/network.ts';
import { addressOfListener, serveBackend, startRehearsal } from '../../sim/rehearsal.ts';
import { ok, Raw } from '../../test/engine-stage/engine-stage.ts';
import { backendConfig, config, poolConfig } from '../../test/fixtures/control-world.ts';
import { policies } from '../core/balancing/balancing.ts';
import { latin1 } from '../core/base/bytes.ts';
import { createRng } from '../core/base/rng.ts';
import type { PolicyName, StickyConfig } from '../core/config.ts';
import { Notes, WatchedEngine, WatchedTable } from './watched.ts';

/** Where requests went, and what clients heard, through an engine that is watched or not. */
function played(policy: PolicyName, isWatched: boolean) {
  const clock = createSimClock();
  const rng = createRng(3);
  const network = createSimNetwork({ clock, rng: rng.fork() });
  const backends = [1, 2, 3, 4].map((number) => backendConfig(number, { weight: number }));
  const pool = poolConfig(backends, { policy, healthCheck: null, sticky: STICKY });
  const heard: string[] = [];
  // The first one is down.
  for (const backend of backends.slice(1)) {
    serveBackend(network, backend, (socket) => {
      const raw = new Raw();
      raw.onBytes = () => {
        heard.push(`${backend.name} ${raw.take()}`);
        socket.write(latin1(ok(backend.name)));
      };
      return raw;
    });
  }
  const { engine } = startRehearsal({
    config: config([pool]),
    clock,
    network,
    rng,
    log: { event: () => {}, exchange: ({ attempts }) => void heard.push(`${attempts}`) },
    ...(isWatched
      ? {
          makeTable: (size) => new WatchedTable(size),
          makeEngine: (deps) => new WatchedEngine(deps, deps.table as WatchedTable),
        }
      : {}),
  });
  clock.run(100);
  for (let i = 0; i < 30; i++) {
    const notes = new Notes(() => {});
    if (engine instanceof WatchedEngine) engine.notes = i % 3 === 0 ? null : notes;
    const raw = new Raw();
    const to = { address: addressOfListener(listenerConfig(8080)), port: 8080, tls: null };
    raw.socket = network.transport(`192.0.2.${i}`).connect(to, raw);
    raw.send(`GET /${i} HTTP/1.1\r\nHost: a\r\nCookie: lb=0123456789abcdef; x=1\r\n\r\n`);
    clock.run(clock.nowMs() + 20);
    heard.push(raw.take());
  }
  return heard;
}

const STICKY: StickyConfig = {
  kind: 'cookie',
  cookie: 'lb',
  maxAgeMs: null,
  secret: null,
  drain: false,
};

describe('an engine that is watched', () => {
  it.each(Object.keys(policies) as PolicyName[])('decides as one that is not: %s', (policy) => {
    const watched = played(policy, true);
    expect(watched).toEqual(played(policy, false));
    expect(watched.length).toBeGreaterThan(60);
  });
});
