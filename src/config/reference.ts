/** The published JSON Schema and the reference page, both made from the one schema. */
import * as z from 'zod';
import { configSchema } from './schema.ts';

/** The part of JSON Schema that the configuration's schema consists of. */
interface Json {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  examples?: unknown[];
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  required?: string[];
  properties?: Record<string, Json>;
  additionalProperties?: boolean | Json;
  items?: Json;
  anyOf?: Json[];
  allOf?: Json[];
  definitions?: Record<string, Json>;
}

/** Draft-07, as editors want it. Text that ends in a newline. */
export const jsonSchemaText = (): string => `${JSON.stringify(jsonSchema(), null, 2)}\n`;

function jsonSchema(): Json {
  const schema = z.toJSONSchema(configSchema, {
    target: 'draft-7',
    io: 'input',
    // A function, which no file of YAML or JSON can hold.
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: part }) => {
      // zod leaves out the examples of what it transforms; ours are of what is written.
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (examples !== undefined) part.examples = [...(examples as unknown[])];
    },
  });
  adapt(schema as Json);
  return schema as Json;
}

/** In a file, any value may hold a variable; and a default of no keys says nothing. */
function adapt(part: Json): void {
  if (isEmpty(part.default)) delete part.default;
  const written = part.anyOf?.filter((each) => !isEmpty(each)) ?? [];
  if (written.length === 1) {
    Object.assign(part, { ...written[0], ...part });
    delete part.anyOf;
  }
  const { additionalProperties } = part;
  const below = [
    ...Object.values(part.properties ?? {}),
    ...Object.values(part.definitions ?? {}),
    ...(part.anyOf ?? []),
    ...(part.items === undefined ? [] : [part.items]),
    ...(typeof additionalProperties === 'object' ? [additionalProperties] : []),
  ];
  below.forEach(adapt);
  if (part.enum !== undefined || part.type === 'boolean') {
    const { type, enum: words } = part;
    part.anyOf = [{ ...(type && { type }), ...(words && { enum: words }) }, VARIABLE];
    delete part.type;
    delete part.enum;
  } else if (part.type === 'integer' || part.type === 'number') {
    part.type = [part.type, 'string'];
    part.pattern = VARIABLE.pattern;
  } else if (part.pattern !== undefined) {
    part.pattern = `${part.pattern}|${VARIABLE.pattern}`;
  }
}

const VARIABLE = { type: 'string', pattern: '\\$\\{' };

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** What each part of the page is called and which of the schema's objects it shows. */
const SECTIONS: readonly (readonly [heading: string, definition: string, intro: string])[] = [
  ['Backends', 'backend', 'Each item of `backends` is a URL, or a mapping with these keys.'],
  [
    'Adaptive limits',
    'adaptive_limit',
    'The keys of `max_requests` where it is a mapping; what it does: [overload.md](overload.md).',
  ],
  ['Queue', 'queue', 'The keys of `queue`; what it does: [queue.md](queue.md).'],
  ['Stickiness', 'sticky', 'The keys of `sticky`.'],
  ['Learned sessions', 'learn', 'The keys of `learn`, of which there is one.'],
  ['Health checks', 'health_check', 'The keys of `health_check`.'],
  ['Load probes', 'load_probe', 'The keys of `load_probe`.'],
  ['Passive health checks', 'passive_health', 'The keys of `passive_health`.'],
  [
    'Circuit breakers',
    'circuit_breaker',
    'The keys of `circuit_breaker`; what it does: [overload.md](overload.md).',
  ],
  ['Retries', 'retries', 'The keys of `retries`; what they do: [retries.md](retries.md).'],
  ['Hedging', 'hedge', 'The key of `hedge`; what it does: [retries.md](retries.md).'],
  ['TLS to backends', 'tls', 'The keys of `tls`.'],
  ['Listeners', 'listener', 'The keys of each item of `listeners`.'],
  ['Routes', 'route', 'The keys of each item of `routes`.'],
  [
    'Rate limits',
    'rate_limit',
    'The keys of each item of `rate_limits`; what they do: [limits.md](limits.md).',
  ],
  ['Timeouts', 'timeouts', 'The keys of `timeouts`.'],
  ['Limits', 'limits', 'The keys of `limits`. Sizes are bytes, or `32KiB`, `1MiB`, `2GiB`.'],
  ['Log', 'log', 'The keys of `log`.'],
  [
    'Error pages',
    'error_page',
    'Each value of `error_pages` is the path of a file, the text of a page, or a mapping with ' +
      'these keys.',
  ],
];

/** The reference page, in Markdown. */
export function referencePage(): string {
  const schema = jsonSchema();
  const definitions = schema.definitions ?? {};
  const pool = Object.keys(definitions.pool?.properties ?? {});
  const { properties = {} } = schema;
  const top = Object.fromEntries(Object.entries(properties).filter(([key]) => !pool.includes(key)));
  const sections = SECTIONS.flatMap(([heading, name, intro]) => {
    const definition = definitions[name] ?? {};
    return [`## ${heading}`, description(definition, intro), table(definition, definitions)];
  });
  return `${[
    INTRODUCTION,
    '## Top level',
    table({ ...schema, properties: top }, definitions),
    '## Pools',
    'With `pools`, each pool has these keys. Without it they stand at the top level and describe ' +
      'the one pool there is, called `default`.',
    table(definitions.pool ?? {}, definitions),
    ...sections,
    CLOSING,
  ].join('\n\n')}\n`;
}

const description = (definition: Json, intro: string): string =>
  definition.description === undefined ? intro : `${definition.description} ${intro}`;

function table({ properties = {}, required = [] }: Json, definitions: Json['definitions']): string {
  const rows = Object.entries(properties).map(([key, part]) => {
    const fallback = required.includes(key) ? 'required' : defaultOf(part);
    const name = part.allOf?.[0].$ref?.split('/').at(-1) ?? '';
    const meaning = meaningOf(part) || (definitions?.[name]?.description ?? '');
    return `| \`${key}\` | ${kindOf(part)} | ${fallback} | ${meaning} |`;
  });
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

const defaultOf = (part: Json): string =>
  part.default === undefined ? '' : `\`${String(part.default)}\``;

function kindOf(part: Json): string {
  if (part.title === undefined && part.allOf !== undefined) return 'mapping, see below';
  const words = part.anyOf?.find((each) => each.enum !== undefined)?.enum;
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  if (part.title === 'switch') return '`true` or `false`';
  const { minimum, maximum } = part;
  if (minimum === undefined || maximum === undefined) return part.title ?? 'mapping, see below';
  return `${minimum} to ${maximum}`;
}

function meaningOf(part: Json): string {
  const examples = (part.examples ?? []).map(
    (example) => `\`${typeof example === 'string' ? example : yamlOf(example)}\``,
  );
  const isTelling = part.title !== 'duration' && part.title !== 'size' && examples.length > 0;
  const shown = isTelling ? ` Example: ${examples.join(' or ')}.` : '';
  return `${part.description ?? ''}${shown}`.replaceAll('|', '\\|').trim();
}

/** On one line, as it would be written in the file. */
function yamlOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) {
    return /^[*&!]|: /.test(String(value)) ? JSON.stringify(value) : String(value);
  }
  const pairs = Object.entries(value).map(([key, inner]) => `${key}: ${yamlOf(inner)}`);
  return `{${pairs.join(', ')}}`;
}

const INTRODUCTION = `# Configuration

This page is generated from the schema in \`src/config/schema.ts\`.

The configuration is one file of YAML or JSON, \`config.yaml\` unless another is named. This is a
whole one:

\`\`\`yaml
port: 8080
backends:
  - url: http://localhost:9001
    name: server-1
    weight: 3
  - url: http://localhost:9002
    name: server-2
health_check:
  interval: 5s
  timeout: 2s
  path: /health
\`\`\`

That is the short form: one listener, one pool, everything goes there. The full form has several:

\`\`\`yaml
listeners:
  - port: 8080
  - port: 8081
    address: 127.0.0.1
routes:
  - host: api.example.com
    path: /v1
    pool: api
  - pool: web
pools:
  api:
    backends:
      - https://api-1.internal
      - https://api-2.internal
    host: backend
    health_check: {path: /health}
  web:
    backends: [http://web-1:8080, http://web-2:8080]
trusted_proxies: [10.0.0.0/8]
\`\`\`

\`evenkeel check config.yaml\` reports everything that is wrong, each with its line and what to
write instead, and exits with 78 if there is anything. \`evenkeel check --print\` shows what the
file means in full form, with every default.

- **Durations** are a number and a unit: \`500ms\`, \`5s\`, \`1.5m\`, \`2h\`. A number without a
  unit is an error.
- **Variables**: \`\${VAR}\` and \`\${VAR:-default}\` in any value are replaced from the
  environment, after YAML has been parsed. A variable that is not set and has no default is an
  error; the default also stands in for an empty one. Inside \`[ ]\` and \`{ }\` the value must be
  quoted. Write \`$\${\` for a literal \`\${\`. Keys are left alone.
- **Paths** of other files are seen from the folder of the configuration file.
- **Editors** complete and check the file with the JSON Schema in \`schema/evenkeel.schema.json\`.`;

const CLOSING = `## TypeScript

\`evenkeel.config.ts\` is the same configuration with type checking. It needs Node 22.18 or later,
or Bun; \`evenkeel.config.mjs\` works everywhere. Where there is no \`config.yaml\`, the first of
them in the folder is used. Variables are not replaced in it: use
\`process.env\`. There \`policy\` may be a function:
[a policy of your own](policies.md#a-policy-of-your-own). The import needs \`npm install evenkeel\`
in its folder (a global install is not enough); \`export default { ... }\` works without it.

\`\`\`ts
import { defineConfig } from 'evenkeel/config';

export default defineConfig({
  port: 8080,
  backends: ['http://localhost:9001', 'http://localhost:9002'],
});
\`\`\``;
