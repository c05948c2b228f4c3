import { describe, expect, it } from 'vitest';
import { bytesPerRequest, Loop, traffics } from './engine.ts';

describe('the engine between pretended sockets', () => {
  for (const traffic of traffics) {
    it(`answers, and leaves little on the heap: ${traffic.name}`, () => {
      const loop = new Loop(traffic);
      const requests = loop.run(200) / 64;
      loop.check(requests);
      const bytes = bytesPerRequest(loop);
      // Some views and strings: for the log, and where a part of an array is copied.
      if (bytes !== null) expect(bytes).toBeLessThan(1000);
    });
  }
});
