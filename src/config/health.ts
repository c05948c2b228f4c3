/** How the health of backends is judged, as it is written: `health_check`. */
import * as z from 'zod';
import { parseHostField, parseProbePath } from './addresses.ts';
import { isToken } from './balancing.ts';
import { show } from './diagnostics.ts';
import { choice, duration, expected, POSITIVE, parsed, settle, text, whole } from './fields.ts';
import { DURATION_PATTERN, type Parsed, parseDuration, parseStatus } from './quantities.ts';

const status = z
  .union([z.number(), z.string()], { error: expected('a status', '200, 2xx or 200-399') })
  .transform((given, context) => settle(parseStatus(given), given, context))
  .meta({ title: 'status' });

/** What the probe says itself, and why it cannot be written here. */
const OWN: Readonly<Record<string, string>> = {
  host: 'write it as "host", beside "headers"',
  connection: 'a probe closes its connection; remove this',
  'content-length': 'a probe has no body; remove this',
  'transfer-encoding': 'a probe has no body; remove this',
};

const NO_GRPC =
  '"grpc" is not there yet: it needs HTTP/2 to backends; write tcp, or http with a path that ' +
  'tells their health';

const LONGEST_BODY = 1024;

const bodyProblem = (given: string): string | null => {
  if (given === '') return 'the text is empty and in every body; write some, or remove the key';
  return given.length <= LONGEST_BODY
    ? null
    : `the text is longer than ${LONGEST_BODY} characters; write a part of it that is enough`;
};

const headerValue = text(
  (given) =>
    /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(given)
      ? null
      : `${show(given)} is no value of a header; write printable ASCII without blanks around it`,
  { title: 'text', description: 'Its value.', examples: ['secret'] },
);

const headers = z
  .record(
    z
      .string()
      .refine(isToken, {
        error: ({ input }) => `${show(input)} is no name of a header; write one such as X-Probe`,
      })
      .refine((name) => OWN[name.toLowerCase()] === undefined, {
        error: ({ input }) => `${show(input)}: ${OWN[String(input).toLowerCase()]}`,
      }),
    headerValue,
  )
  .meta({
    title: 'name to value',
    description: 'Header fields that an http probe sends besides its own.',
    examples: [{ 'X-Probe': 'evenkeel' }],
  });

/** The key `health_check`. */
export const healthCheck = z
  .strictObject({
    type: choice(
      ['http', 'tcp'],
      '`http` asks for a path and judges the answer; `tcp` only connects.',
      {
        grpc: NO_GRPC,
      },
    ).prefault('http'),
    path: parsed(parseProbePath, {
      title: 'path',
      description: 'What an http probe asks for.',
      pattern: '^/',
      examples: ['/health'],
    }).prefault('/'),
    interval: duration(
      POSITIVE,
      'From one probe of a backend to the next, give or take 10 %.',
    ).prefault('5s'),
    down_interval: duration(
      POSITIVE,
      'The same for one that is down, until a probe passes; not below the interval. Default: the ' +
        'interval.',
    ).optional(),
    timeout: duration(
      POSITIVE,
      'How long a probe may take; below the interval. Default: 2s, or half an interval of 2s or ' +
        'less.',
    ).optional(),
    method: choice(['GET', 'HEAD', 'OPTIONS'], 'The method of an http probe.').prefault('GET'),
    host: parsed(parseHostField, {
      title: 'host name',
      description: "The Host that an http probe sends. Default: the backend URL's own.",
      examples: ['www.example.com'],
    }).optional(),
    headers: headers.prefault({}),
    expected_status: z
      .union([status, z.array(status).min(1, { error: 'the list is empty; write [2xx]' })], {
        error: expected('a status', '200, 2xx, 200-399, or a list of these'),
      })
      .transform((given) => (typeof given[0] === 'number' ? [given] : given) as StatusRanges)
      .meta({
        title: 'status or list',
        description: 'What a healthy backend answers: `200`, `2xx`, `200-399`, or a list.',
        examples: ['2xx', [200, '300-399']],
      })
      .prefault('2xx'),
    expected_body: text(bodyProblem, {
      title: 'text',
      description:
        "Text that must be somewhere in a healthy answer's body, in its first 64 KiB, byte for " +
        'byte. Default: any body will do.',
      examples: ['"status":"UP"'],
    }).optional(),
    healthy_threshold: whole(
      1,
      100,
      'Passes in a row that bring a backend back. A new one needs a single pass.',
    ).prefault(2),
    unhealthy_threshold: whole(
      1,
      100,
      'Failures in a row that take a backend out. A refused connection does so at once.',
    ).prefault(3),
  })
  .meta({
    id: 'health_check',
    description:
      'Active probes. Without this key there are none: a backend counts as up until it refuses ' +
      'connections, and is then probed by TCP until it takes them again.',
  });

/** Is this the `expected_status` of answers that never have a body? */
export function expectsNoBody(written: unknown): boolean {
  const result = healthCheck.shape.expected_status.safeParse(written);
  return result.success && result.data.every(([from, to]) => from === to && BODILESS.has(from));
}

const BODILESS = new Set([204, 304]);

const LEAST_LOAD_MS = 20;
/** What is older says nothing to the policy. */
const MOST_LOAD_MS = 1000;

function parseLoadInterval(given: string): Parsed<number> {
  if (/^\d+$/.test(given)) return { problem: `${show(given)} ${loadUnitFor(given)}` };
  const result = parseDuration(given, 'ms');
  if ('problem' in result) return result;
  if (result.value >= LEAST_LOAD_MS && result.value <= MOST_LOAD_MS) return result;
  return { problem: `${show(given)} is out of range; write 20ms to 1s: after that it is stale` };
}

/** What to write instead of a number without a unit. */
function loadUnitFor(count: number | string): string {
  const fits = ['ms', 's'].map((unit) => count + unit).find((each) => isLoadInterval(each));
  return `has no unit; write ${fits ?? '20ms to 1s'}`;
}

const isLoadInterval = (given: string): boolean => 'value' in parseLoadInterval(given);

/** The key `load_probe`. */
export const loadProbe = z
  .strictObject(
    {
      path: parsed(parseProbePath, {
        title: 'path',
        description: 'What is asked for. The answer is to be 2xx, with `Backend-Load` in it.',
        pattern: '^/',
        examples: ['/load'],
      }),
      interval: parsed(
        parseLoadInterval,
        {
          title: 'duration',
          description:
            'From one probe of a backend to the next, give or take 10 %; from 20ms to 1s. Longer ' +
            'with so many backends that more than 1,000 would be asked in a second.',
          pattern: DURATION_PATTERN,
          examples: ['500ms'],
        },
        (given) => `${given} ${loadUnitFor(given)}`,
      ).prefault('500ms'),
    },
    { error: expected('a mapping', '{path: /load}') },
  )
  .meta({
    id: 'load_probe',
    description:
      'With `policy: prequal`: asks backends for their load besides, so that it is also known of ' +
      'those that get few requests.',
  });

type StatusRanges = (readonly [number, number])[];
