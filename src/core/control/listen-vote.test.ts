import { beforeEach, describe, expect, it } from 'vitest';
import { listenerConfig } from '../../../sim/default-config.ts';
import { type Failure, failure } from '../base/failure.ts';
import { ListenVote } from './listen-vote.ts';

const inUse = failure('address_in_use', 'us', 'accept', 'never', 'another process has it');
const denied = failure('not_permitted', 'us', 'accept', 'never', 'it is not allowed');

let done: (Failure | null)[];

beforeEach(() => {
  done = [];
});

const voteOf = (workers: number, port = 8080): ListenVote =>
  new ListenVote(listenerConfig(port), workers, (failed) => void done.push(failed));

describe('a listener', () => {
  it('is open when every worker listens, whatever the order', () => {
    const vote = voteOf(3);
    vote.ask(8080);
    vote.cast(2, null, 8080);
    vote.cast(0, null, 8080);
    expect([vote.isOpen, done]).toEqual([false, []]);
    vote.cast(1, null, 8080);
    expect([vote.isOpen, done]).toEqual([true, [null]]);
  });

  it('is not open because one worker has answered twice', () => {
    const vote = voteOf(2);
    vote.cast(0, null, 8080);
    vote.cast(0, null, 8080);
    expect([vote.isOpen, done]).toEqual([false, []]);
  });

  it('is not opened when one worker cannot, and the others need not be waited for', () => {
    const vote = voteOf(3);
    vote.cast(0, null, 8080);
    vote.cast(1, inUse, 0);
    expect([vote.isOpen, done]).toEqual([false, [inUse]]);
    vote.cast(2, denied, 0);
    vote.cast(1, null, 8080);
    vote.cast(2, null, 8080);
    expect(done).toEqual([inUse]);
  });

  it('is told of once, however often a worker answers again', () => {
    const vote = voteOf(2);
    for (let again = 0; again < 3; again++) {
      vote.cast(0, null, 8080);
      vote.cast(1, null, 8080);
    }
    expect(done).toEqual([null]);
  });

  it('that was ended early says why, and no more', () => {
    const vote = voteOf(1);
    vote.end(denied);
    vote.cast(0, null, 8080);
    vote.end(null);
    expect(done).toEqual([denied]);
  });
});

describe('the port', () => {
  it('is asked for when it is known, and the same for everybody who is asked later', () => {
    const vote = voteOf(2, 0);
    expect(vote.isAsked).toBe(false);
    const asked = vote.ask(40_000);
    expect(asked).toEqual({ address: '*:0', host: null, port: 40_000 });
    expect(vote.isAsked).toBe(true);
    expect(vote.listener).toEqual(asked);
  });

  it('that the system chose for one worker is that of the listener', () => {
    const vote = voteOf(1, 0);
    expect(vote.ask(0).port).toBe(0);
    vote.cast(0, null, 41_234);
    expect(vote.listener).toEqual({ address: '*:0', host: null, port: 41_234 });
  });

  it('is not taken from a worker that could not listen', () => {
    const vote = voteOf(2, 0);
    vote.ask(40_000);
    vote.cast(0, inUse, 0);
    expect(vote.listener.port).toBe(40_000);
  });
});
