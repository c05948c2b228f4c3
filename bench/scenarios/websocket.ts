/** Small messages that come back: what does a byte in a tunnel cost? */
import { lacksCompiler, ownLoad } from './own-load.ts';
import { type Scenario, sampleOf } from './scenario.ts';

const PAYLOAD_BYTES = 64;

export const webSocket: Scenario = {
  id: 'websocket',
  name: `WebSocket echo, ${PAYLOAD_BYTES} bytes a message`,
  needs: ['WebSocket'],
  backends: 'talker',
  isBulk: false,
  isFresh: false,
  isQuick: true,
  compares: ['cpuMicrosecondsPerRequest'],
  lacking: lacksCompiler,
  warmUp: async (target, bench) => {
    const { warmUpSeconds } = bench.settings;
    if (warmUpSeconds > 0)
      await ownLoad('echo', [target.port], bench, warmUpSeconds, PAYLOAD_BYTES);
  },
  run: async (target, bench) => {
    const { seconds } = bench.settings;
    const report = await ownLoad('echo', [target.port], bench, seconds, PAYLOAD_BYTES);
    return sampleOf(report, PAYLOAD_BYTES);
  },
};
