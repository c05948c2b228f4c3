/** The file of `evenkeel simulate --scenario`. Keys that are not there have no value yet. */
import * as z from 'zod';
import { policyWord } from './balancing.ts';
import {
  choice,
  decimal,
  duration,
  expected,
  flag,
  parsed,
  settle,
  text,
  whole,
} from './fields.ts';
import { noUnit } from './quantities.ts';
import {
  parseMoment,
  parseScenarioRate,
  parseServiceTime,
  parseTimeOfDay,
} from './scenario-quantities.ts';

const MOST_CLIENTS = 1_000_000;
const MOST_KEYS = 10_000_000;
const MOST_AT_ONCE = 1_000_000;
const LARGEST_SEED = 0xffffffff;

const rate = (description: string) =>
  z
    .union([z.number(), z.string()], {
      error: expected('a rate', '2000/s, 90/min, or a load such as 60%'),
    })
    .transform((given, context) => settle(parseScenarioRate(given), given, context))
    .meta({ title: 'rate', description, examples: ['2000/s', '60%'] });

const name = (description: string) =>
  text((given) => (given === '' ? 'is empty; write a name' : null), {
    title: 'name',
    description,
    examples: ['server-1'],
  });

const path = (description: string, example: string) =>
  text((given) => (given === '' ? 'is empty; write the path of a file' : null), {
    title: 'path',
    description,
    examples: [example],
  });

const concurrency = z
  .union([z.number(), z.string()], { error: expected('a whole number', '4, or unlimited') })
  .transform((given, context): number => {
    if (given === 'unlimited') return Number.POSITIVE_INFINITY;
    const isGood = Number.isInteger(given) && Number(given) >= 1 && Number(given) <= MOST_AT_ONCE;
    const problem = `${given} is out of range; write 1 or more, or unlimited`;
    return settle(isGood ? { value: Number(given) } : { problem }, given, context);
  })
  .meta({
    title: 'whole number or unlimited',
    description: 'Requests that it works on at once; the others wait there in turn.',
    examples: [4],
  });

const service = z.strictObject({
  time: parsed(
    parseServiceTime,
    {
      title: 'duration',
      description: 'How long a request takes on average once its turn has come.',
      examples: ['5ms'],
    },
    (given) => `${given} has no unit; write ${given}ms`,
  ).optional(),
  distribution: choice(
    ['constant', 'exponential', 'lognormal', 'pareto'],
    'How service times spread about their mean.',
  ).optional(),
  concurrency: concurrency.optional(),
  errors: decimal(0, 1, 'Of its answers, how many are a 500.', [0.01]).optional(),
});

const traffic = z.strictObject({
  rate: rate('How many requests come, whether or not those before have been answered.').optional(),
  clients: whole(
    1,
    MOST_CLIENTS,
    'Instead of `rate`: so many clients, each of which waits for its answer, and then thinks.',
  ).optional(),
  think: duration(null, 'How long such a client thinks on average.').optional(),
  replay: path(
    'Instead of both: an access log in JSON, whose requests come again at their times.',
    'access.log',
  ).optional(),
  arrivals: choice(
    ['poisson', 'constant'],
    '`poisson`: independent of each other; `constant`: one every so often.',
  ).optional(),
  for: duration('write 1s or more', 'How long requests come.').optional(),
  start: parsed(parseTimeOfDay, {
    title: 'time of day',
    description: 'When that begins, for those who think of events by the clock.',
    examples: ['11:58'],
  }).optional(),
  keys: whole(1, MOST_KEYS, 'How many clients there are, by key or cookie.').optional(),
  popularity: choice(
    ['uniform', 'zipf'],
    '`uniform`: all ask as often; `zipf`: the n-th asks 1/n times as often as the first.',
  ).optional(),
});

const event = z.strictObject({
  at: parsed(
    parseMoment,
    {
      title: 'time',
      description: 'Since the traffic began, or, with `traffic.start`, by the clock.',
      examples: ['2m', '12:00'],
    },
    noUnit,
  ),
  backend: name('Whom it befalls.').optional(),
  slower: decimal(
    0.001,
    1_000_000,
    'It takes so many times as long; 1: as long as before.',
    [5],
  ).optional(),
  down: flag('It refuses connections, and breaks those it has; false: it is back.').optional(),
  hangs: flag('It takes requests and answers none; false: it goes on.').optional(),
  errors: decimal(0, 1, 'Of its answers, how many are a 500 from now on.', [0.5]).optional(),
  drain: flag('It is drained, as by an operator.').optional(),
  added: flag('A reload adds it; it is not there before.').optional(),
  removed: flag('A reload takes it out.').optional(),
  reload: path('A reload of this configuration.', 'other.yaml').optional(),
  rate: rate('So many requests from now on.').optional(),
});

/** Of the whole file. Nothing is required, as most of it can be typed as well. */
export const scenarioSchema = z.strictObject({
  pool: name('Which pool of the configuration; the only one, or `default`, unless set.').optional(),
  policies: z
    .array(policyWord, { error: expected('a list of policies', '[round_robin, adaptive]') })
    .min(1, { error: () => 'is empty; write a policy, such as [adaptive]' })
    .meta({ title: 'list', description: 'Each of them gets the same requests.' })
    .optional(),
  seed: whole(0, LARGEST_SEED, 'The same seed gives the same requests.').optional(),
  traffic: traffic.optional(),
  service: service.optional(),
  backends: z
    .record(z.string(), service, { error: expected('a mapping of names to services') })
    .meta({ title: 'name to service', description: 'Those that serve otherwise.' })
    .optional(),
  events: z
    .array(event, { error: expected('a list of events') })
    .meta({ title: 'list', description: 'What happens, in any order.' })
    .optional(),
});

/** What the file says, value by value. */
export type ScenarioFile = z.output<typeof scenarioSchema>;
export type ServiceFile = NonNullable<ScenarioFile['service']>;
export type EventFile = NonNullable<ScenarioFile['events']>[number];
