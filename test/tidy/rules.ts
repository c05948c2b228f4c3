/**
 * The style guide as functions: source text in, complaints out. `test/tidy.test.ts` feeds them the
 * tree, and a bad snippet each. A complaint names file, line and what to write instead.
 */
import ts from 'typescript';

export interface Source {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

export type Rule = (source: Source) => string[];

const at = (source: Source, line: number, what: string): string =>
  `${source.path}:${line}: ${what}`;

export const isTest = (path: string): boolean => path.endsWith('.test.ts');
const isPure = (path: string): boolean =>
  /^(src\/(core|simulate)|sim)\//.test(path) && !isTest(path) && path !== 'sim/main.ts';

/** A comment `tidy: <reason>` in the first ten lines, or right above a function. */
const excuse = /tidy: \S+ \S+/;

export function parse(source: Source): ts.SourceFile {
  return ts.createSourceFile(source.path, source.text, ts.ScriptTarget.ES2023, true);
}

const lineOf = (file: ts.SourceFile, position: number): number =>
  file.getLineAndCharacterOfPosition(position).line + 1;

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

const math =
  'acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 f16round hypot log log10 log1p ' +
  'log2 pow sin sinh tan tanh';

/** What pure rooms must not say, and what they say instead. */
const bannedCalls = new Map<string, string>([
  ['Math.random', 'the Rng that was handed in'],
  ['Date', 'the Clock that was handed in'],
  ['Intl', 'fixed formats of our own'],
  ['Promise', 'a callback or a state machine'],
  ['setTimeout', 'the TimerWheel or Clock.wakeAt'],
  ['setInterval', 'the TimerWheel or Clock.wakeAt'],
  ['setImmediate', 'Clock.nextTurn'],
  ['queueMicrotask', 'Clock.nextTurn'],
  ['performance', 'the Clock that was handed in'],
  ['process', 'an argument'],
  ['console', 'the Log that was handed in'],
  ['Buffer', 'base/bytes.ts'],
  ['TextEncoder', 'base/bytes.ts'],
  ['TextDecoder', 'base/bytes.ts'],
  ...math
    .split(' ')
    .map((name): [string, string] => [
      `Math.${name}`,
      'base/math.ts or a table: engines differ in the last bit',
    ]),
]);

const locale = /^(toLocale\w*|localeCompare)$/;

/** No clock, no chance, no promises, no locale, no inexact mathematics in core and sim. */
export const bans: Rule = (source) => {
  if (!isPure(source.path)) return [];
  const file = parse(source);
  const found: string[] = [];
  const ban = (node: ts.Node, what: string, instead: string): void => {
    found.push(at(source, lineOf(file, node.getStart()), `${what} is banned here: use ${instead}`));
  };
  walk(file, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const name = `${node.expression.getText()}.${node.name.text}`;
      const instead = bannedCalls.get(name);
      if (instead !== undefined) ban(node, name, instead);
      if (locale.test(node.name.text)) ban(node, node.name.text, 'a comparison of our own');
    } else if (ts.isIdentifier(node) && isGlobalUse(node)) {
      const instead = bannedCalls.get(node.text);
      if (instead !== undefined) ban(node, node.text, instead);
    } else if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) {
      ban(node, 'async and await', 'a callback or a state machine');
    } else if (
      node.kind === ts.SyntaxKind.AsteriskAsteriskToken ||
      node.kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken
    ) {
      ban(node, '**', 'multiplication, or base/math.ts');
    }
  });
  return found;
};

/** An identifier that can mean a global: not a name after a dot, and not a name being declared. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isPropertyAssignment(parent) && parent.name === node) return false;
  const isDeclared =
    (ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isParameter(parent) ||
      ts.isVariableDeclaration(parent) ||
      ts.isFunctionDeclaration(parent) ||
      ts.isBindingElement(parent)) &&
    parent.name === node;
  return !isDeclared;
}

/** The rooms, lowest first. A room imports from lower floors and from itself, nothing else. */
export const floors: readonly (readonly string[])[] = [
  ['src/core/base'],
  ['src/core/policy-function.ts'],
  ['src/core/config.ts'],
  [
    'src/core/http',
    'src/core/http1',
    'src/core/http2',
    'src/core/proxy-protocol',
    'src/core/client-hello',
    'src/core/balancing',
    'src/core/health',
    'src/core/resilience',
    'src/core/routing',
    'src/core/table',
    'src/core/telemetry',
  ],
  ['src/core/engine', 'src/core/control'],
  ['src/simulate'],
  ['src/config', 'src/platform/node', 'src/platform/kernel', 'src/platform/bun', 'sim'],
  ['src/control', 'src/explain'],
  ['src/evenkeel.ts', 'src/testing'],
  ['src/cli'],
];

/** Steps between rooms of one floor that are meant, each with its reason. */
const neighbours = new Map<string, string>([
  ['src/core/http1 -> src/core/http', 'http is what every version of the protocol shares'],
  ['src/core/http2 -> src/core/http', 'http is what every version of the protocol shares'],
  ['src/core/balancing -> src/core/table', 'policies read the table'],
  ['src/core/health -> src/core/table', 'health writes states into the table'],
  ['src/core/resilience -> src/core/table', 'permits and budgets are counted in the table'],
  ['src/core/control -> src/core/engine', 'the control machines command the engine'],
  ['src/platform/bun -> src/platform/node', 'bun holds only what differs'],
  ['src/platform/kernel -> src/platform/node', 'both runtimes have what Node has'],
  ['src/platform/bun -> src/platform/kernel', "Bun's way of calling the kernel"],
  ['src/platform/node -> src/platform/kernel', "Node's way of calling the kernel"],
]);

const inRoom = (path: string, room: string): boolean =>
  path === room || path.startsWith(`${room}/`);

function roomOf(path: string): { room: string; floor: number } | null {
  for (const [floor, rooms] of floors.entries()) {
    const room = rooms.find((each) => inRoom(path, each));
    if (room !== undefined) return { room, floor };
  }
  return null;
}

interface Import {
  readonly name: string;
  readonly line: number;
}

export function importsOf(source: Source): Import[] {
  const file = parse(source);
  const found: Import[] = [];
  walk(file, (node) => {
    const name =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (name !== undefined && ts.isStringLiteralLike(name)) {
      found.push({ name: name.text, line: lineOf(file, node.getStart()) });
    }
  });
  return found;
}

/** A relative import as a path from the root. */
export function resolve(from: string, name: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

const mayImportNode =
  /^(src\/(platform|config|control|cli|evenkeel\.ts)|bench|test|examples)(\/|$)/;

/** Imports go one way, and runtimes stay in the rooms that may know them. */
export const imports: Rule = (source) => {
  if (isTest(source.path)) return [];
  const from = roomOf(source.path);
  return importsOf(source).flatMap(({ name, line }) => {
    if (name.startsWith('node:')) {
      const allowed = mayImportNode.test(source.path) || source.path === 'sim/main.ts';
      return allowed ? [] : [at(source, line, `${name} here: take what you need as an argument`)];
    }
    if (name === 'bun' || name.startsWith('bun:')) {
      const allowed = source.path.startsWith('src/platform/bun/');
      return allowed ? [] : [at(source, line, `${name} here: only src/platform/bun knows Bun`)];
    }
    if (!name.startsWith('.')) return [];
    const to = roomOf(resolve(source.path, name));
    if (from === null || to === null || from.room === to.room || to.floor < from.floor) return [];
    if (neighbours.has(`${from.room} -> ${to.room}`)) return [];
    if (source.path === 'sim/main.ts') return [];
    const instead = 'move what both need to a lower floor, or let engine/ join them';
    return [at(source, line, `${from.room} may not import ${to.room}: ${instead}`)];
  });
};

const maxLines = 500;
const maxColumns = 100;
const maxFunctionLines = 70;

/** A file stays under 500 lines, a line under 100 columns, a function fits a screen. */
export const lengths: Rule = (source) => {
  const lines = source.text.split('\n');
  const found: string[] = [];
  const excused = lines.slice(0, 10).some((line) => excuse.test(line));
  if (lines.length > maxLines && !excused) {
    found.push(at(source, 1, `${lines.length} lines: split it, or say why after "tidy:" on top`));
  }
  for (const [index, line] of lines.entries()) {
    if (line.length > maxColumns && !/https?:\/\/|\]\(/.test(line) && !excuse.test(line)) {
      found.push(at(source, index + 1, `${line.length} columns: break the line`));
    }
  }
  // A suite is one function; its cases are not.
  if (!isTest(source.path) && !source.path.startsWith('test/')) {
    found.push(...longFunctions(source, lines));
  }
  return found;
};

function longFunctions(source: Source, lines: readonly string[]): string[] {
  const file = parse(source);
  const found: string[] = [];
  walk(file, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const first = lineOf(file, node.getStart());
    const length = lineOf(file, node.getEnd()) - first + 1;
    if (length <= maxFunctionLines) return;
    const above = lines.slice(Math.max(0, first - 8), first).join('\n');
    if (!excuse.test(above)) {
      found.push(at(source, first, `a function of ${length} lines: split it, or say why, "tidy:"`));
    }
  });
  return found;
}

/** kebab-case, and no door that hides what is behind it. */
export const names: Rule = ({ path }) => {
  const base = path.split('/').at(-1) ?? '';
  if (base === 'index.ts') return [`${path}:1: no index.ts: name the file after what it holds`];
  return /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config))?\.ts$/.test(base)
    ? []
    : [`${path}:1: file names are kebab-case`];
};

// Built from halves, so that this file is not its own finding.
const leftoverWords = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'];
const leftover = new RegExp(`\\b(${leftoverWords.join('|')})\\b`);

/** Work is finished or filed, not marked. */
export const leftovers: Rule = (source) =>
  source.text
    .split('\n')
    .flatMap((line, index) =>
      leftover.test(line) ? [at(source, index + 1, 'finish it, or file an issue')] : [],
    );

const machinePath = new RegExp(['/(home|Users|root|work)/', '[a-z]'].join(''));
const registryHost = /"resolved":|https?:\/\/[^"\s]*(registry|npmjs|artifact|mirror)/;

/** No path of somebody's machine; lock files without download addresses. */
export const places: Rule = (source) =>
  source.text.split('\n').flatMap((line, index) => {
    if (/package-lock\.json$/.test(source.path)) {
      return registryHost.test(line) ? [at(source, index + 1, 'a download address')] : [];
    }
    return machinePath.test(line) ? [at(source, index + 1, 'a path of one machine')] : [];
  });

const isExported = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node) ?? []).some((each) => each.kind === ts.SyntaxKind.ExportKeyword);

interface Exported {
  readonly name: string;
  readonly line: number;
  readonly documented: boolean;
  readonly kind: ts.SyntaxKind;
}

const hasComment = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

export function exportsOf(source: Source): Exported[] {
  const file = parse(source);
  const found: Exported[] = [];
  file.forEachChild((node) => {
    if (!isExported(node)) return;
    const nodes = ts.isVariableStatement(node) ? node.declarationList.declarations : [node];
    for (const each of nodes) {
      const { name } = each as ts.NamedDeclaration;
      if (name === undefined || !ts.isIdentifier(name)) continue;
      const line = lineOf(file, each.getStart());
      const documented =
        hasComment(node) || (ts.isInterfaceDeclaration(node) && node.members.some(hasComment));
      found.push({ name: name.text, line, documented, kind: node.kind });
    }
  });
  return found;
}

const function_ = ts.SyntaxKind.FunctionDeclaration;
const interface_ = ts.SyntaxKind.InterfaceDeclaration;
const promising = new Set([function_, interface_, ts.SyntaxKind.ClassDeclaration]);

/**
 * Every exported function, class and interface of `src` says what it promises: above itself, in
 * the comment that opens the file if it is the file's first export, or, an interface, at members.
 */
export const docstrings: Rule = (source) => {
  if (!source.path.startsWith('src/') || isTest(source.path)) return [];
  const all = exportsOf(source);
  const opens = /^(#!.*\n)?\/\*\*/.test(source.text);
  return all
    .filter((each) => promising.has(each.kind) && !each.documented)
    .filter((each, index) => !(opens && index === 0 && each.kind !== function_))
    .map((each) => at(source, each.line, `${each.name} has no docstring: say what it promises`));
};

/** Exports that no other file imports, and files that nobody imports, `doors` apart. */
export function unused(sources: readonly Source[], doors: readonly string[]): string[] {
  const used = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const [path, imported] of importedNames(source)) {
      const set = used.get(path) ?? new Set();
      // A test does not make an export needed; it makes the file known.
      for (const name of isTest(source.path) ? [] : imported) set.add(name);
      if (isTest(source.path) || imported.size > 0) used.set(path, set);
    }
  }
  const testedOnly = testedNames(sources);
  return sources.flatMap((source) => {
    const isDoor = doors.some((door) => inRoom(source.path, door));
    if (isDoor || isTest(source.path) || !/^(src|sim)\//.test(source.path)) return [];
    const names = used.get(source.path);
    if (names === undefined) return [at(source, 1, 'nobody imports this file: remove it')];
    if (names.has('*')) return [];
    return exportsOf(source)
      .filter((each) => !names.has(each.name) && !isPartOfAnother(source, each.name))
      .filter((each) => !testedOnly.has(`${source.path} ${each.name}`))
      .map((each) => at(source, each.line, `nobody imports ${each.name}: do not export it`));
  });
}

/** A type that an exported declaration of the same file mentions belongs to that export. */
function isPartOfAnother(source: Source, name: string): boolean {
  const file = parse(source);
  let mentioned = false;
  file.forEachChild((node) => {
    if (!isExported(node)) return;
    const own = (node as ts.NamedDeclaration).name;
    if (own !== undefined && own.getText() === name) return;
    walk(node, (each) => {
      if (ts.isTypeReferenceNode(each) && each.typeName.getText() === name) mentioned = true;
      if (ts.isExpressionWithTypeArguments(each) && each.expression.getText() === name) {
        mentioned = true;
      }
    });
  });
  return mentioned;
}

/** What some test imports is at least tested. */
function testedNames(sources: readonly Source[]): Set<string> {
  const found = new Set<string>();
  for (const source of sources.filter((each) => isTest(each.path))) {
    for (const [path, imported] of importedNames(source)) {
      for (const name of imported) found.add(`${path} ${name}`);
    }
  }
  return found;
}

function importedNames(source: Source): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  walk(parse(source), (node) => {
    const add = (specifier: ts.Node | undefined, imported: readonly string[]): void => {
      if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
      if (!specifier.text.startsWith('.')) return;
      const path = resolve(source.path, specifier.text);
      found.set(path, new Set([...(found.get(path) ?? []), ...imported]));
    };
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      const named = bindings !== undefined && ts.isNamedImports(bindings);
      add(
        node.moduleSpecifier,
        named ? bindings.elements.map((each) => (each.propertyName ?? each.name).text) : ['*'],
      );
    } else if (ts.isExportDeclaration(node)) {
      const clause = node.exportClause;
      const named = clause !== undefined && ts.isNamedExports(clause);
      add(
        node.moduleSpecifier,
        named ? clause.elements.map((each) => (each.propertyName ?? each.name).text) : ['*'],
      );
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], ['*']);
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'URL') {
      add(node.arguments?.[0], ['*']);
    }
  });
  return found;
}

/** One unit test beside each source file. `exempt`: path -> why it has none. */
export function untested(paths: readonly string[], exempt: ReadonlyMap<string, string>): string[] {
  const all = new Set(paths);
  return paths
    .filter((path) => path.startsWith('src/') && !isTest(path) && path.endsWith('.ts'))
    .filter((path) => !exempt.has(path) && !all.has(path.replace(/\.ts$/, '.test.ts')))
    .map((path) => `${path}:1: no unit test beside it: write ${path.replace(/\.ts$/, '.test.ts')}`);
}
