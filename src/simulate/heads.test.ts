import { describe, expect, it } from 'vitest';
import { BackendLoad } from '../core/http/backend-load.ts';
import { Heads } from './heads.ts';

describe('the heads of answers', () => {
  it('have a status, and no field where the backend says nothing', () => {
    const head = new Heads().of(500, '');
    expect([head.status, head.fieldCount]).toEqual([500, 0]);
  });

  it('carry what the backend reports, again and again', () => {
    const heads = new Heads();
    const load = new BackendLoad();
    for (const inFlight of [3, 12]) {
      const head = heads.of(200, `in_flight=${inFlight}, latency_ms=2.5`);
      load.read(head);
      expect([head.status, load.inFlight, load.latencyUs]).toEqual([200, inFlight, 2500]);
    }
  });
});
