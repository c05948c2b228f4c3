/** How many workers there will be, from what is configured and what there is. */

export type WorkersPlan =
  /** `notice`: why it is not one for each processor; null: nothing to say. */
  | { readonly workers: number; readonly notice: string | null }
  /** It cannot be done here: what is wrong, and what to write instead. */
  | { readonly problem: string };

const NEEDS = 'Node 22.12 or later, or Bun';

/**
 * `asked`: null for `auto`, which is one for each of so many `processors`. `sharesPorts`: several
 * threads of this runtime can listen on one port.
 */
export function planWorkers(
  asked: number | null,
  sharesPorts: boolean,
  processors: number,
  runtime: string,
): WorkersPlan {
  if (sharesPorts || asked === 1) return { workers: asked ?? processors, notice: null };
  if (asked !== null) {
    const problem =
      `${asked} workers share one port, which ${runtime} cannot do; ` +
      `write auto or 1, or run it on ${NEEDS}`;
    return { problem };
  }
  if (processors === 1) return { workers: 1, notice: null };
  const notice =
    `1 worker for ${processors} processors, because several on one port need ${NEEDS}; ` +
    `this is ${runtime}`;
  return { workers: 1, notice };
}
