/**
 * Small changes to operators, as a slip of the hand makes them (DeMillo, Lipton, Sayward, "Hints on
 * Test Data Selection", 1978): which there are in a source file, and the file with many of them in
 * it, each behind a switch (mutant schemata: Untch, Offutt, Harrold, 1993), so that one build holds
 * them all. Strings, types and assertions are left alone.
 */
import ts from 'typescript';

export interface Mutant {
  /** From the root of the repository. */
  readonly file: string;
  /** What of the text is replaced. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly kind: Kind;
  readonly from: string;
  /** Empty: the statement is left out. */
  readonly to: string;
}

export type Kind =
  | 'arithmetic'
  | 'assignment'
  | 'bits'
  | 'boolean'
  | 'call left out'
  | 'comparison'
  | 'condition'
  | 'integer'
  | 'logic'
  | 'return left out'
  | 'sign';

type Swap = readonly [Kind, ...(readonly string[])];

const swaps = new Map<string, Swap>([
  ['+', ['arithmetic', '-']],
  ['-', ['arithmetic', '+']],
  ['*', ['arithmetic', '/']],
  ['/', ['arithmetic', '*']],
  ['%', ['arithmetic', '*']],
  ['<', ['comparison', '<=', '>=']],
  ['<=', ['comparison', '<', '>']],
  ['>', ['comparison', '>=', '<=']],
  ['>=', ['comparison', '>', '<']],
  ['===', ['comparison', '!==']],
  ['!==', ['comparison', '===']],
  ['&&', ['logic', '||']],
  ['||', ['logic', '&&']],
  ['??', ['logic', '&&']],
  ['&', ['bits', '|']],
  ['|', ['bits', '&']],
  ['^', ['bits', '&']],
  ['<<', ['bits', '>>']],
  ['>>', ['bits', '<<']],
  ['>>>', ['bits', '<<']],
  ['+=', ['assignment', '-=']],
  ['-=', ['assignment', '+=']],
  ['*=', ['assignment', '/=']],
  ['/=', ['assignment', '*=']],
  ['|=', ['assignment', '&=']],
  ['&=', ['assignment', '|=']],
  ['??=', ['assignment', '&&=']],
]);

/** Every mutant of a file, in the order of its text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (isLeftAlone(node)) return;
    const [start, end] = [node.getStart(), node.getEnd()];
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    for (const [kind, to] of changes(node)) {
      found.push({ file, start, end, line, kind, from: node.getText(), to });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

function isLeftAlone(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    ts.isTemplateExpression(node) ||
    isAssertion(node)
  );
}

function isAssertion(node: ts.Node): boolean {
  const call = ts.isExpressionStatement(node) ? node.expression : node;
  return ts.isCallExpression(call) && call.expression.getText() === 'assert';
}

type Change = readonly [Kind, string];

function changes(node: ts.Node): Change[] {
  const own = changesOf(node);
  if (!isCondition(node)) return own;
  return [...own, ...truths(node)];
}

function changesOf(node: ts.Node): Change[] {
  if (ts.isBinaryExpression(node)) return swapped(node);
  if (ts.isPrefixUnaryExpression(node)) return unary(node);
  if (ts.isPostfixUnaryExpression(node)) {
    return [['assignment', node.operand.getText() + otherStep(node.operator)]];
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [['boolean', 'false']];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [['boolean', 'true']];
  if (ts.isNumericLiteral(node)) return neighbours(node);
  if (ts.isReturnStatement(node)) return [['return left out', '']];
  if (!ts.isExpressionStatement(node) || !isCall(node.expression)) return [];
  return [['call left out', '']];
}

function isCall(node: ts.Expression): boolean {
  return ts.isCallExpression(node) && node.expression.kind !== ts.SyntaxKind.SuperKeyword;
}

function swapped({ left, operatorToken, right }: ts.BinaryExpression): Change[] {
  const swap = swaps.get(operatorToken.getText());
  if (swap === undefined || isText(left) || isText(right)) return [];
  const [kind, ...others] = swap;
  const before = kind === 'assignment' ? left.getText() : `(${left.getText()})`;
  return others.map((other) => [kind, `${before} ${other} (${right.getText()})`]);
}

/** A concatenation: minus would be no slip of the hand. */
function isText(node: ts.Expression): boolean {
  if (ts.isBinaryExpression(node)) {
    const isSum = node.operatorToken.kind === ts.SyntaxKind.PlusToken;
    return isSum && (isText(node.left) || isText(node.right));
  }
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

const otherStep = (operator: ts.SyntaxKind): string =>
  operator === ts.SyntaxKind.PlusPlusToken ? '--' : '++';

function unary({ operator, operand }: ts.PrefixUnaryExpression): Change[] {
  switch (operator) {
    case ts.SyntaxKind.PlusPlusToken:
    case ts.SyntaxKind.MinusMinusToken:
      return [['assignment', otherStep(operator) + operand.getText()]];
    case ts.SyntaxKind.ExclamationToken:
      return [['logic', operand.getText()]];
    case ts.SyntaxKind.MinusToken:
      return [['sign', operand.getText()]];
    default:
      return [];
  }
}

function neighbours(node: ts.NumericLiteral): Change[] {
  const { parent } = node;
  const value = Number(node.text);
  const isName = ts.isPropertyAssignment(parent) && parent.name === node;
  if (!Number.isInteger(value) || isName) return [];
  return [value + 1, value - 1].map((other) => ['integer', String(other)]);
}

/** Does it decide which way to go? */
function isCondition(node: ts.Node): boolean {
  const { parent } = node;
  if (parent === undefined) return false;
  if (ts.isConditionalExpression(parent) || ts.isForStatement(parent)) {
    return parent.condition === node;
  }
  const holds = ts.isIfStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent);
  return holds && parent.expression === node;
}

/** A loop that never ends shows nothing that its opposite does not. */
function truths(node: ts.Node): Change[] {
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [];
  const { parent } = node;
  const branches = ts.isIfStatement(parent) || ts.isConditionalExpression(parent);
  return (branches ? ['true', 'false'] : ['false']).map((to) => ['condition', to]);
}

/** A mutant and the number that turns it on. */
export type Numbered = readonly [number: number, mutant: Mutant];

/**
 * The file's text with these mutants in it. It asks `$mutant(number)` whether one of them is on; if
 * none is, it does what it did.
 */
export function withSwitches(text: string, mutants: readonly Numbered[]): string {
  const spans = new Map<string, Numbered[]>();
  for (const each of mutants) {
    const { start, end } = each[1];
    const key = `${start}-${end}`;
    spans.set(key, [...(spans.get(key) ?? []), each]);
  }
  const insertions = [...spans.values()].flatMap(insertionsOf);
  insertions.sort((a, b) => a.at - b.at || a.rank - b.rank);
  let result = '';
  let done = 0;
  for (const { at, words } of insertions) {
    result += text.slice(done, at) + words;
    done = at;
  }
  return result + text.slice(done);
}

interface Insertion {
  readonly at: number;
  /** At the same place: what ends comes before what begins, the inner ends and the outer begins. */
  readonly rank: number;
  readonly words: string;
}

function insertionsOf(mutants: readonly Numbered[]): Insertion[] {
  const { start, end, kind } = mutants[0]![1];
  const leftOut = kind === 'call left out' || kind === 'return left out';
  const [opens, closes] = leftOut
    ? [`{ if (!$mutant(${mutants[0]![0]})) `, ' }']
    : [`(${mutants.map(([number, { to }]) => `$mutant(${number}) ? ${to} : `).join('')}`, ')'];
  return [
    { at: start, rank: 1e9 - end, words: opens },
    { at: end, rank: -1e9 - start, words: closes },
  ];
}
