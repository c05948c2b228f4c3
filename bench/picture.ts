/** `npm run bench:picture`: draws the report of a benchmark. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Report } from './report/document.ts';
import { picture } from './report/picture.ts';
import { root } from './repository.ts';

/** Those that say most, for the README. */
const USUAL =
  'small,browser,post-1k,64k,1m,connect,idle,websocket,chunks,access-log,latency-30,latency-70';

const usage = `npm run bench:picture -- [options]

  --json FILE         the figures (.cache/bench.json)
  --out FILE          the picture (docs/benchmarks.svg)
  --scenarios A,B     only these, in this order (${USUAL.replaceAll(',', ', ')})
`;

const { values } = parseArgs({
  options: {
    json: { type: 'string', default: join(root, '.cache/bench.json') },
    out: { type: 'string', default: join(root, 'docs/benchmarks.svg') },
    scenarios: { type: 'string', default: USUAL },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(usage);
} else {
  const report = JSON.parse(readFileSync(values.json, 'utf8')) as Report;
  const scenarios = values.scenarios
    .split(',')
    .flatMap((name) => report.scenarios.filter(({ id }) => id === name));
  if (scenarios.length === 0) throw new Error(`${values.json} has none of ${values.scenarios}`);
  writeFileSync(values.out, picture(report, scenarios));
  process.stdout.write(`${values.out}: ${scenarios.map(({ id }) => id).join(', ')}\n`);
}
