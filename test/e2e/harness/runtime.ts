/** What the runtime under test is and can, as it says itself. */
import { execFileSync } from 'node:child_process';
import { usableProcessors } from '../../../src/platform/node/resources.ts';
import { runtimePath } from './balancer.ts';

export interface RuntimeFacts {
  readonly isBun: boolean;
  /** Several threads can listen on one port, so that there can be several workers. */
  readonly sharesPorts: boolean;
  /** It imports TypeScript as it stands. */
  readonly importsTypeScript: boolean;
}

/** Of the runtime that `runtimePath` names. */
export function runtimeFacts(): RuntimeFacts {
  const asked = ['-p', 'JSON.stringify(process.versions)'];
  const versions = JSON.parse(execFileSync(runtimePath(), asked, { encoding: 'utf8' })) as {
    readonly bun?: string;
    readonly node: string;
  };
  const [major, minor] = versions.node.split('.').map(Number);
  const isBun = versions.bun !== undefined;
  const isFrom = (least: number): boolean => major > 22 || (major === 22 && minor >= least);
  return { isBun, sharesPorts: isBun || isFrom(12), importsTypeScript: isBun || isFrom(18) };
}

/** How many workers it has by default. */
export const defaultWorkers = (): number => (runtimeFacts().sharesPorts ? usableProcessors() : 1);
