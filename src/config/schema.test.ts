import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { $ZodType } from 'zod/v4/core';
import { poolKeys } from './pool.ts';
import { configSchema } from './schema.ts';

interface Def {
  readonly type: string;
  readonly shape?: Record<string, $ZodType>;
  readonly catchall?: $ZodType;
  readonly [key: string]: unknown;
}

const defOf = (schema: $ZodType): Def => schema._zod.def as unknown as Def;

/** Every schema inside, with what it is called. */
function* everySchema(schema: $ZodType, name: string): Generator<[string, $ZodType]> {
  yield [name, schema];
  const def = defOf(schema);
  for (const [key, inner] of Object.entries(def.shape ?? {})) {
    yield* everySchema(inner, `${name}.${key}`);
  }
  const parts = [def.innerType, def.element, def.valueType, def.in, def.options].flat();
  for (const part of parts) if (part !== undefined) yield* everySchema(part as $ZodType, name);
}

const descriptionOf = (schema: $ZodType): string | undefined => {
  const own = z.globalRegistry.get(schema)?.description;
  const { innerType, in: input } = defOf(schema);
  const below = (innerType ?? input) as $ZodType | undefined;
  return own ?? (below === undefined ? undefined : descriptionOf(below));
};

describe('the schema', () => {
  const schemas = [...everySchema(configSchema, 'config')];

  it('refuses unknown keys everywhere', () => {
    const objects = schemas.filter(([, schema]) => defOf(schema).type === 'object');
    expect(objects.length).toBeGreaterThan(10);
    const lax = objects.filter(([, schema]) => defOf(schema).catchall?._zod.def.type !== 'never');
    expect(lax.map(([name]) => name)).toEqual([]);
  });

  it('describes every key', () => {
    const keys = schemas.flatMap(([name, schema]) =>
      Object.entries(defOf(schema).shape ?? {}).map(([key, of]) => [`${name}.${key}`, of] as const),
    );
    expect(keys.length).toBeGreaterThan(50);
    const silent = keys.filter(([, schema]) => !descriptionOf(schema)?.endsWith('.'));
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it('has snake_case keys, units in values', () => {
    const names = schemas.map(([name]) => name.split('.').at(-1) ?? '');
    expect(names.filter((name) => !/^\$?[a-z]+(_[a-z]+)*$/.test(name))).toEqual([]);
  });

  it('knows which keys describe a pool', () => {
    expect(poolKeys).toContain('health_check');
    expect(poolKeys).not.toContain('listeners');
  });
});

describe('defaults', () => {
  it('are those of the design', () => {
    const checked = configSchema.parse({ backends: ['http://a'], health_check: {} });
    expect(checked).toMatchObject({
      policy: 'round_robin',
      host: 'preserve',
      panic: false,
      drain_timeout: 30_000,
      drain_tunnel_timeout: 600_000,
      tls: { verify: true },
      health_check: {
        type: 'http',
        path: '/',
        method: 'GET',
        interval: 5000,
        expected_status: [[200, 299]],
        healthy_threshold: 2,
        unhealthy_threshold: 3,
      },
      timeouts: {
        connect: 3000,
        response: 60_000,
        idle: 60_000,
        tunnel_idle: 3_600_000,
        client_head: 10_000,
        client_keep_alive: 75_000,
        backend_keep_alive: 4000,
      },
      limits: {
        head: 32_768,
        fields: 100,
        request_line: 8192,
        body: null,
        idle_connections_per_backend: 1024,
        min_rate: 240,
      },
      log: { level: 'info', access: true, format: 'auto' },
      trusted_proxies: [],
      shutdown_delay: 0,
      shutdown_timeout: 25_000,
    });
  });
});
