import { describe, expect, it } from 'vitest';
import { response } from '../../../test/fuzz/heads.ts';
import { BackendLoad } from './backend-load.ts';
import { Field } from './fields.ts';

function read(...values: readonly string[]): [inFlight: number, latencyUs: number] {
  const load = new BackendLoad();
  load.read(response('HTTP/1.1 200 OK', ...values.map((value) => `Backend-Load: ${value}`)));
  return [load.inFlight, load.latencyUs];
}

describe('what a backend says of its load', () => {
  it.each([
    ['in_flight=3, latency_ms=12', 3, 12_000],
    ['in_flight=0,latency_ms=0', 0, 0],
    ['in_flight=3 , \tlatency_ms=12.5', 3, 12_500],
    ['IN_FLIGHT=3, Latency_ms=0.25', 3, 250],
    ['in_flight=1000000, latency_ms=86400000.001', 1_000_000, 86_400_000_001],
  ])('is read from %s', (value, inFlight, latencyUs) => {
    expect(read(value)).toEqual([inFlight, latencyUs]);
  });

  it.each([
    '',
    'in_flight=3',
    'in_flight=3,',
    'latency_ms=12, in_flight=3',
    'in_flight=-1, latency_ms=12',
    'in_flight=3.5, latency_ms=12',
    'in_flight=3, latency_ms=',
    'in_flight=3, latency_ms=1e3',
    'in_flight=3, latency_ms=1.',
    'in_flight=3, latency_ms=.5',
    'in_flight=3, latency_ms=1.2345',
    'in_flight=3, latency_ms=1.2.3',
    'in_flight=3, latency_ms=12, cpu=4',
    'in_flight=3; latency_ms=12',
    'in_flight= 3, latency_ms=12',
    'in_flight=3, latency_ms= 12',
    'in_flight=1000001, latency_ms=12',
    'in_flight=3, latency_ms=86400001',
    'in_flight=99999999999999999999, latency_ms=12',
    'in_flight',
  ])('is nothing in "%s"', (value) => {
    expect(read(value)[0]).toBe(-1);
  });

  it('is nothing without the field, or with two', () => {
    expect(read()[0]).toBe(-1);
    expect(read('in_flight=3, latency_ms=12', 'in_flight=3, latency_ms=12')[0]).toBe(-1);
    expect(read('x', 'in_flight=3, latency_ms=12')[0]).toBe(-1);
  });

  it('is forgotten with the next head', () => {
    const load = new BackendLoad();
    load.read(response('HTTP/1.1 200 OK', 'Backend-Load: in_flight=3, latency_ms=12'));
    load.read(response('HTTP/1.1 200 OK'));
    expect(load.inFlight).toBe(-1);
  });

  it('goes no further, be it good or bad', () => {
    const head = response('HTTP/1.1 200 OK', 'Backend-Load: x', 'A: b', 'Backend-Load: y');
    new BackendLoad().read(head);
    expect(head.find(Field.backendLoad)).toBe(-1);
    expect([0, 1, 2].map((field) => head.id(field))).toEqual([
      Field.dropped,
      Field.other,
      Field.dropped,
    ]);
  });
});
