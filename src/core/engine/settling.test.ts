import { describe, expect, it } from 'vitest';
import { createSimClock } from '../../../sim/clock.ts';
import type { BackendConnection } from './backend-connection.ts';
import { Settling } from './settling.ts';

describe('connections that wait for a quiet turn', () => {
  const clock = createSimClock();
  const settling = new Settling(clock);
  const settled: string[] = [];
  const connection = (name: string, then = (): void => {}): BackendConnection => {
    const made = {
      nextSettling: null,
      settled: () => {
        settled.push(name);
        then();
      },
    };
    return made as unknown as BackendConnection;
  };

  it('hear of it in order, and those that come meanwhile a turn later', () => {
    const late = connection('late');
    const all = [connection('first', () => settling.add(late)), connection('second')];
    for (const each of all) settling.add(each);
    expect(settled).toEqual([]);
    clock.step();
    expect(settled).toEqual(['first', 'second']);
    expect(all.map(({ nextSettling }) => nextSettling)).toEqual([null, null]);
    clock.step();
    expect(settled).toEqual(['first', 'second', 'late']);
    expect(clock.pending()).toBe(0);
  });
});
