/** Connections that do nothing: what does holding one cost? */
import { setTimeout as sleep } from 'node:timers/promises';
import { IdleConnections } from '../load/idle.ts';
import { mostConnections } from '../machine.ts';
import { residentBytes } from '../process-tree.ts';
import { wrk } from './closed-loop.ts';
import type { Scenario } from './scenario.ts';

export const idle: Scenario = {
  id: 'idle',
  name: 'idle connections',
  needs: [],
  backends: 'files',
  isBulk: false,
  // What earlier connections have left in a heap would be filled first, and count as nothing.
  isFresh: true,
  isQuick: true,
  compares: ['idleBytesPerConnection'],
  lacking: () => null,
  // A heap grows with its first requests, whatever their connections do.
  warmUp: async (target, bench) => {
    const { warmUpSeconds } = bench.settings;
    if (warmUpSeconds > 0) await wrk(target, bench, {}, warmUpSeconds);
  },
  run: async ({ port, pid }, { settings, descriptors }) => {
    await sleep(settings.settleMs);
    const before = residentBytes(pid);
    const held = new IdleConnections(port);
    try {
      await held.open(Math.min(settings.idleConnections, mostConnections(descriptors)));
      await sleep(settings.settleMs);
      const { opened, failed } = held;
      if (opened === 0) throw new Error('not one connection had an answer');
      const each = (residentBytes(pid) - before) / opened;
      const figures = { connections: opened, idleBytesPerConnection: each };
      return { requests: 0, errors: failed, figures };
    } finally {
      held.close();
    }
  },
};
