/** Who of a pool has failed too much, or was too slow, in one interval. Pure: it ejects nobody. */
import type { PassiveHealthConfig } from '../config.ts';
import type { Fault } from '../health/ejection.ts';
import type { Member } from './members.ts';
import { spellDuration } from './wording.ts';

/** What one interval has shown of a member. */
export interface Seen {
  readonly member: Member;
  readonly answers: number;
  readonly failures: number;
  /** Of the answers, in sum. */
  readonly headMs: number;
  /** Attempts that failed in a row, up to now. */
  readonly streak: number;
}

export interface Finding {
  readonly member: Member;
  readonly fault: Fault;
  /** A clause for people. */
  readonly why: string;
  /** The share of failures, 0 to 1: not all may be ejected, and the worst go first. */
  readonly badness: number;
}

/** With fewer backends to compare with, nobody knows which of them is odd. */
const LEAST_COMPARED = 3;
/** Nobody is slow who answers within this time, however fast the others are. */
const LEAST_SLOW_MS = 20;

/** The worst first. */
export function judge(all: readonly Seen[], config: PassiveHealthConfig): Finding[] {
  const medianMs = config.slowerThan > 0 ? medianOfMeans(all, config.minimumRequests) : null;
  return all
    .map((seen) => judgeOne(seen, medianMs, config))
    .filter((finding) => finding !== null)
    .sort((a, b) => b.badness - a.badness);
}

function judgeOne(
  { member, answers, failures, headMs, streak }: Seen,
  medianMs: number | null,
  config: PassiveHealthConfig,
): Finding | null {
  const { consecutiveFailures, failureRatio, minimumRequests, intervalMs, slowerThan } = config;
  const total = answers + failures;
  const badness = total === 0 ? 0 : failures / total;
  if (consecutiveFailures > 0 && streak >= consecutiveFailures) {
    return { member, fault: 'streak', why: `${streak} attempts in a row failed`, badness };
  }
  const within = `within ${spellDuration(intervalMs)}`;
  if (failureRatio > 0 && total >= minimumRequests && badness >= failureRatio) {
    const why = `${failures} of ${total} attempts failed ${within}`;
    return { member, fault: 'ratio', why, badness };
  }
  if (medianMs === null || answers < minimumRequests) return null;
  const meanMs = headMs / answers;
  if (meanMs < LEAST_SLOW_MS || meanMs < slowerThan * medianMs) return null;
  const why =
    `it took ${spellDuration(meanMs)} to answer, the mean of ${answers} ${within}, ` +
    `and half of the pool less than ${spellDuration(medianMs)}`;
  return { member, fault: 'slow', why, badness };
}

/** Null: too few have answered often enough. */
function medianOfMeans(all: readonly Seen[], leastAnswers: number): number | null {
  const means = all
    .filter(({ answers }) => answers >= leastAnswers)
    .map(({ answers, headMs }) => headMs / answers)
    .sort((a, b) => a - b);
  if (means.length < LEAST_COMPARED) return null;
  const half = means.length >> 1;
  return means.length % 2 === 1 ? means[half] : (means[half - 1] + means[half]) / 2;
}
