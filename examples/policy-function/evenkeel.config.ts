/**
 * Servers in two regions. A proxy in front says in `X-Region` where a client is; each client goes
 * to a server there, always the same one as long as that is up. When a region has nobody left, its
 * clients go to anybody.
 *
 *     npx evenkeel run evenkeel.config.ts
 */
import { defineConfig, type PolicyFunction } from 'evenkeel/config';

const byRegion: PolicyFunction = (candidates, request) => {
  const region = request.header('x-region') ?? 'eu';
  const near = candidates.filter(({ name }) => name.startsWith(`${region}-`));
  // Of nobody this is undefined: round robin chooses.
  return near[request.hash(request.clientAddress) % near.length];
};

export default defineConfig({
  port: 8080,
  policy: byRegion,
  backends: [
    { name: 'eu-1', url: 'http://localhost:9001' },
    { name: 'eu-2', url: 'http://localhost:9002' },
    { name: 'us-1', url: 'http://localhost:9003' },
  ],
  health_check: { interval: '2s', timeout: '1s', path: '/health' },
});
