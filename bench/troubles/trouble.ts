/** What may befall ten servers, and how it is shown. */
import type { ServerKind } from '../backends/kinds.ts';
import { lacksFilters } from '../backends/swallow.ts';

/** Which table it is in: they have columns of their own. */
export type Sheet = 'latency' | 'overload' | 'storm';

export interface Trouble {
  /** For `--kinds`. */
  readonly id: string;
  readonly title: string;
  readonly sheet: Sheet;
  readonly server: ServerKind;
  /** Of a good server with nothing else to do. */
  readonly serviceMs: number;
  readonly requestsPerSecond: number;
  readonly connections: number;
  /** That share what comes, and know nothing of each other. */
  readonly balancers: number;
  /** When the servers are told to begin; null: they have been so from the start. */
  readonly begins: 'with the load' | 'when it counts' | null;
  /** Everybody who can asks every half second who is well. */
  readonly checks: boolean;
  /** Requests that broke off are tried elsewhere. */
  readonly retries: boolean;
  /** What the machine lacks for it; null: nothing. */
  lacking(): string | null;
}

/** A quarter of what ten good servers can do. */
const usual = {
  sheet: 'latency',
  serviceMs: 5,
  requestsPerSecond: 2000,
  connections: 256,
  balancers: 1,
  begins: null,
  checks: false,
  retries: false,
  lacking: () => null,
} as const;

const TWENTY = 20;

export const troubles: readonly Trouble[] = [
  { ...usual, id: 'good', title: 'all good', server: 'good' },
  { ...usual, id: 'slow', title: 'one is slow', server: 'slow' },
  { ...usual, id: 'failing', title: 'one fails', server: 'failing' },
  { ...usual, id: 'hanging', title: 'one hangs', server: 'hanging' },
  {
    ...usual,
    id: 'black-hole',
    title: 'one gets no packets',
    server: 'black-hole',
    begins: 'when it counts',
    retries: true,
    lacking: lacksFilters,
  },
  {
    ...usual,
    id: 'flapping',
    title: 'one comes and goes',
    server: 'flapping',
    begins: 'with the load',
    checks: true,
    retries: true,
  },
  { ...usual, id: 'all-slow', title: 'all are slow', server: 'all-slow' },
  {
    ...usual,
    id: 'twenty',
    title: 'one is slow, twenty balancers',
    server: 'slow',
    balancers: TWENTY,
  },
  {
    ...usual,
    id: 'overload',
    title: 'twice what all can do',
    sheet: 'overload',
    server: 'good',
    serviceMs: 20,
    requestsPerSecond: 4000,
    // Whoever limits nothing has a second's worth of them waiting.
    connections: 4500,
  },
  {
    ...usual,
    id: 'retry-storm',
    title: 'all reset all that comes',
    sheet: 'storm',
    server: 'resetting',
    begins: 'with the load',
    retries: true,
  },
];

/** The same at a quarter of the pace, with few balancers: for a test that wants to see it work. */
export const slower = (trouble: Trouble): Trouble => ({
  ...trouble,
  serviceMs: trouble.serviceMs * 4,
  requestsPerSecond: trouble.requestsPerSecond / 4,
  connections: trouble.connections / 4,
  balancers: Math.min(trouble.balancers, 3),
});
