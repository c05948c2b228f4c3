import { describe, expect, it } from 'vitest';
import { Replay } from './replay.ts';

const filled = (bytes: number): Replay => {
  const replay = new Replay();
  replay.begin();
  replay.append(new Uint8Array(bytes), 0, bytes);
  return replay;
};

describe('what is kept of a request body', () => {
  it('stays when it was sent and may have to be sent again', () => {
    const replay = filled(1000);
    replay.sent(true);
    expect(replay).toMatchObject({ length: 1000, whole: true });
  });

  it('goes when it was sent and is never sent again', () => {
    const replay = filled(1000);
    replay.sent(false);
    expect(replay).toMatchObject({ length: 0, whole: false });
  });

  it('goes when it was sent and is longer than 64 KiB', () => {
    const replay = filled(64 * 1024 + 1);
    expect(replay.full).toBe(true);
    replay.sent(true);
    expect(replay).toMatchObject({ length: 0, whole: false });
  });

  it('has room again, and is whole, when the next request begins', () => {
    const replay = filled(64 * 1024);
    replay.forget();
    replay.begin();
    expect(replay).toMatchObject({ length: 0, whole: true, full: false });
  });
});
