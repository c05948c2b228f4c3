/** Where the words at the marks of a chart stand: in rows, so that none covers another one. */

export interface Label {
  /** Where its mark is, px. */
  readonly x: number;
  readonly text: string;
  /** It stands left of its mark instead of right of it. */
  readonly isLeft: boolean;
}

/** Between a mark and its words, px. */
export const LABEL_GAP = 6;
/** More than most letters of this size are wide, px. */
const LETTER = 6.5;

interface Placed {
  readonly row: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The row of each label, 0 being the upmost: the first one where no words are in its way, and its
 * mark, which goes down from there, crosses none.
 */
export function labelRows(labels: readonly Label[]): number[] {
  const rows = new Array<number>(labels.length).fill(0);
  const placed: Placed[] = [];
  for (const index of inOrder(labels)) {
    const { x, text, isLeft } = labels[index]!;
    const length = text.length * LETTER + LABEL_GAP;
    const [from, to] = isLeft ? [x - length, x] : [x, x + length];
    const obstacles = placed.filter((other) => other.from <= to && from <= other.to);
    const isInTheWay = ({ row, from: begin, to: end }: Placed, mine: number): boolean =>
      row === mine || (row > mine && begin <= x && x <= end);
    let row = 0;
    while (obstacles.some((other) => isInTheWay(other, row))) row++;
    rows[index] = row;
    placed.push({ row, from, to });
  }
  return rows;
}

/** Those that stand right of their marks from left to right, then the others from right to left. */
function inOrder(labels: readonly Label[]): number[] {
  const indices = labels.map((_, index) => index).sort((a, b) => labels[a]!.x - labels[b]!.x);
  const isLeft = (index: number): boolean => labels[index]!.isLeft;
  return [...indices.filter((index) => !isLeft(index)), ...indices.filter(isLeft).reverse()];
}
