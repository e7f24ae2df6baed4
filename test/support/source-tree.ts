import { globSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { transformSync } from 'esbuild';

/** One `import`, `export … from`, `import()` or `import('…').Type` of a module. */
export interface ModuleImport {
  /** As it is written; null where `import()` is given something that is no string literal. */
  readonly specifier: string | null;
  /** `type` leaves nothing behind at run time; `lazy` is loaded when it is reached, or is `import('…').Type`. */
  readonly kind: 'value' | 'type' | 'lazy';
  /** The module it names, from the root of the repository (`src/core/image/digest.ts`); null for a package. */
  readonly target: string | null;
}

/** One TypeScript file. */
export interface SourceModule {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  /** The file as it stands. */
  readonly text: string;
  /** The file without comments, and with every '…', "…" and regular expression emptied. */
  readonly code: string;
  readonly imports: readonly ModuleImport[];
}

// TypeScript 7 has no API to parse with, and a lexer is enough: formatting is checked, so statements start their lines and
// strings have single quotes. A slash starts a regular expression where an operand is expected.
const REGULAR_EXPRESSION =
  /(?<=(?:[(,=:[!&|?{};+\-*%<>~^]|\breturn)\s*|^\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/.source;
const STRINGS = String.raw`'(?:\\[^]|[^'\\\n])*'|"(?:\\[^]|[^"\\\n])*"`;
// Its text is kept, since `${}` may hold code. A template within a template ends the outer one and starts it again.
const TEMPLATE = '`(?:\\\\[^]|[^`\\\\])*`';
const COMMENT = String.raw`\/\*[^]*?\*\/|\/\/[^\n]*`;
const TOKENS = new RegExp(
  `(?<comment>${COMMENT})|(?<string>${STRINGS})|${TEMPLATE}|(?<pattern>${REGULAR_EXPRESSION})`,
  'gm',
);

const STATIC_IMPORT = /^(?:import|export)\b(?<clause>[\w$\s{},*]*?)\bfrom\s*'(?<specifier>[^']+)'/gm;
const BARE_IMPORT = /^import\s*'(?<specifier>[^']+)'/gm;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*(?:'(?<specifier>[^']+)'\s*[,)])?/g;

/** Reads one module from its text. */
export function readModule(path: string, text: string): SourceModule {
  const strings = text.replace(TOKENS, (token, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    if (groups['comment'] !== undefined) return '';
    return groups['pattern'] === undefined ? token : '/x/';
  });
  const code = strings.replace(TOKENS, (token, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    return groups['string'] === undefined ? token : "''";
  });
  const found = (pattern: RegExp, kind: (clause: string) => ModuleImport['kind']): ModuleImport[] =>
    [...strings.matchAll(pattern)].map(({ groups }) => {
      const specifier = groups?.['specifier'] ?? null;
      const target = specifier?.startsWith('.') === true ? posix.join(posix.dirname(path), specifier) : null;
      return { specifier, target, kind: kind(groups?.['clause'] ?? '') };
    });
  const imports = [
    ...found(STATIC_IMPORT, (clause) => (/^\s+type\s+[\w${*]/.test(clause) ? 'type' : 'value')),
    ...found(BARE_IMPORT, () => 'value'),
    ...found(DYNAMIC_IMPORT, () => 'lazy'),
  ];
  return { path, text, code, imports };
}

/** Every `.ts` file of some folders of the repository, in the order of their paths. */
export function readTree(root: string, folders: readonly string[]): readonly SourceModule[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .map((file) => file.split(sep).join('/'))
    .toSorted()
    .map((path) => readModule(path, readFileSync(join(root, path), 'utf8')));
}

/** `express` of `express/lib/router`, `@scope/name` of `@scope/name/part`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Has the module nothing that runs: no value, only types? */
export function isTypesOnly(module: SourceModule): boolean {
  const emitted = transformSync(module.text, { loader: 'ts', legalComments: 'none' }).code;
  return emitted.replaceAll(/^(?:import\b[^;]*|export \{\s*\});?$/gm, '').trim() === '';
}

/** The first cycle of imports of any kind, as paths from a module back to itself; null where there is none. */
export function findCycle(modules: readonly SourceModule[]): readonly string[] | null {
  const edges = new Map(modules.map((module) => [module.path, module.imports.flatMap(({ target }) => target ?? [])]));
  const done = new Set<string>();
  const walk = (path: string, above: readonly string[]): readonly string[] | null => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const target of edges.get(path) ?? []) {
      const cycle = walk(target, [...above, path]);
      if (cycle !== null) return cycle;
    }
    done.add(path);
    return null;
  };
  for (const module of modules) {
    const cycle = walk(module.path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
