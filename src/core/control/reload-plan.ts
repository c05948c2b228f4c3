/**
 * What a new configuration changes, by identity: listeners by address, pools by name, backends by
 * name and URL within their pool. Everything else stays as it is. It plans and touches nothing.
 */
import type { BackendConfig, Config, ListenerConfig, PoolConfig } from '../config.ts';
import { identity } from '../table/backend.ts';
import type { Member, Pool } from './members.ts';
import { count, list } from './wording.ts';

export interface PlannedBackend {
  readonly config: BackendConfig;
  /** Null: it is new. */
  readonly member: Member | null;
}

export interface PlannedPool {
  readonly config: PoolConfig;
  /** Null: it is new. */
  readonly pool: Pool | null;
  /** In configured order. */
  readonly backends: readonly PlannedBackend[];
}

export interface ReloadPlan {
  readonly pools: readonly PlannedPool[];
  readonly removed: readonly Member[];
  /** Those that stay and are probed in another way than before. */
  readonly rechecked: readonly Member[];
  readonly opened: readonly ListenerConfig[];
  readonly closed: readonly ListenerConfig[];
  /** How many backends are new: each takes a slot. */
  readonly added: number;
  readonly reweighted: number;
}

/** `before`: null at the start. */
export function planReload(
  before: Config | null,
  pools: ReadonlyMap<string, Pool>,
  config: Config,
): ReloadPlan {
  const kept = new Set<Member>();
  let added = 0;
  let reweighted = 0;
  const planned = config.pools.map((poolConfig): PlannedPool => {
    const pool = pools.get(poolConfig.name) ?? null;
    const known = new Map(pool?.members.map((member) => [identity(member.backend.config), member]));
    const backends = poolConfig.backends.map((backend): PlannedBackend => {
      const member = known.get(identity(backend)) ?? null;
      if (member === null) added++;
      else kept.add(member);
      if (member !== null && member.backend.config.weight !== backend.weight) reweighted++;
      return { config: backend, member };
    });
    return { config: poolConfig, pool, backends };
  });
  const members = [...pools.values()].flatMap((pool) => pool.members);
  const listeners = before?.listeners ?? [];
  return {
    pools: planned,
    removed: members.filter((member) => !kept.has(member)),
    rechecked: planned.flatMap(recheckedOf),
    opened: missingFrom(listeners, config.listeners),
    closed: missingFrom(config.listeners, listeners),
    added,
    reweighted,
  };
}

/** By another health check, or over TLS by other settings. */
function recheckedOf({ config, pool, backends }: PlannedPool): readonly Member[] {
  const { healthCheck, tls } = pool?.config ?? config;
  const hasOther = !isSame(healthCheck, config.healthCheck);
  const isOverOther = !isSame(tls, config.tls);
  return backends.flatMap(({ config: backend, member }) =>
    hasOther || (isOverOther && backend.tls) ? (member ?? []) : [],
  );
}

/** Plain data of strings, numbers and arrays in a fixed order. */
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** `1 backend added, 2 listeners opened`, or that nothing of the kind changed. */
export function summarise(plan: ReloadPlan): string {
  const changes = [
    { number: plan.added, noun: 'backend', verb: 'added' },
    { number: plan.removed.length, noun: 'backend', verb: 'removed' },
    { number: plan.reweighted, noun: 'weight', verb: 'changed' },
    { number: plan.opened.length, noun: 'listener', verb: 'opened' },
    { number: plan.closed.length, noun: 'listener', verb: 'closed' },
  ].filter(({ number }) => number > 0);
  if (changes.length === 0) return 'the same backends and listeners as before';
  return list(changes.map(({ number, noun, verb }) => `${count(number, noun)} ${verb}`));
}

/** The listeners of `these` that `those` do not have. */
function missingFrom(
  those: readonly ListenerConfig[],
  these: readonly ListenerConfig[],
): readonly ListenerConfig[] {
  const addresses = new Set(those.map((listener) => listener.address));
  return these.filter((listener) => !addresses.has(listener.address));
}
