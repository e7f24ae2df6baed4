import { RE2JS } from 're2js';
import { asString, elements, valueAt } from '../../workload/json.ts';
import { normalizeRepositoryUrl } from './repository-url.ts';

/** What an AppProject of Argo CD allows, as far as it says who may have what written. */
export interface AppProject {
  readonly namespace: string;
  readonly name: string;
  /** Patterns of repositories; `!` before one denies. */
  readonly sourceRepositories: readonly string[];
  /** Patterns of namespaces whose Applications may name it, besides Argo CD's own. */
  readonly sourceNamespaces: readonly string[];
}

/** Reads an AppProject (argoproj.io/v1alpha1). @returns null where it has no name. */
export function readAppProject(object: unknown): AppProject | null {
  const name = asString(valueAt(object, ['metadata', 'name']));
  const namespace = asString(valueAt(object, ['metadata', 'namespace']));
  if (name === null || namespace === null) return null;
  const texts = (field: string): readonly string[] =>
    elements(valueAt(object, ['spec', field])).filter((each) => typeof each === 'string');
  return { namespace, name, sourceRepositories: texts('sourceRepos'), sourceNamespaces: texts('sourceNamespaces') };
}

/**
 * May a project's Applications have this repository as a source? As Argo CD 3.5 decides it (`IsSourcePermitted`): one pattern
 * has to match and none may deny, where a denial that does not apply counts as a match.
 */
export function permitsSource({ sourceRepositories }: AppProject, url: string): boolean {
  const source = normalizeRepositoryUrl(url);
  let isMatched = false;
  for (const pattern of sourceRepositories) {
    if (pattern.startsWith('!')) {
      if (compileSourceGlob(normalizeRepositoryUrl(pattern.slice(1)), '/')(source)) return false;
      isMatched = true;
      continue;
    }
    const glob = normalizeRepositoryUrl(pattern);
    isMatched ||= glob === '*' || compileSourceGlob(glob, '/')(source);
  }
  return isMatched;
}

/** May an Application of this namespace name the project? (`IsAppNamespacePermitted`: globs, or expressions between slashes.) */
export function permitsNamespace(project: AppProject, namespace: string, controllerNamespace: string): boolean {
  if (namespace === controllerNamespace) return true;
  return project.sourceNamespaces.some((pattern) => {
    const expression = /^\/(.+)\/$/s.exec(pattern)?.[1];
    return (expression !== undefined && hasMatch(expression, namespace)) || compileSourceGlob(pattern, '')(namespace);
  });
}

function hasMatch(expression: string, text: string): boolean {
  try {
    return RE2JS.compile(expression).matcher(text).find();
  } catch {
    return false;
  }
}

/**
 * Compiles a glob as github.com/gobwas/glob reads it, without alternatives and escapes: no URL that was normalised has these.
 * What it would refuse matches nothing. Matching takes linear time.
 *
 * @param separator what `*` and `?` do not match; '' for nothing.
 */
function compileSourceGlob(glob: string, separator: '/' | ''): (text: string) => boolean {
  const one = separator === '' ? '.' : '[^/]';
  const parts = glob.match(/\*\*+|\*|\?|\[[^\]]*\]?|[^*?[]+/g) ?? [];
  const expressions = parts.map((part) => {
    if (part.startsWith('**')) return '.*';
    if (part === '*') return `${one}*`;
    if (part === '?') return one;
    return part.startsWith('[') ? classOf(part) : /[{}\\]/.test(part) ? null : RE2JS.quote(part);
  });
  if (expressions.includes(null)) return () => false;
  const compiled = RE2JS.compile(expressions.join(''), RE2JS.DOTALL);
  return (text) => compiled.testExact(text);
}

/** `[abc]`, `[a-c]`, each also with `!`; null for what is no class. */
function classOf(part: string): string | null {
  const [, not, low, high, list] = /^\[(!?)(?:([^\]-])-([^\]-])|([^\]-]+))\]$/u.exec(part) ?? [];
  if (not === undefined) return null;
  const sign = not === '!' ? '^' : '';
  if (list !== undefined) return `[${sign}${Array.from(list, escapeInClass).join('')}]`;
  if (low === undefined || high === undefined || low > high) return null;
  return `[${sign}${escapeInClass(low)}-${escapeInClass(high)}]`;
}

function escapeInClass(character: string): string {
  return /[\w/]/.test(character) ? character : `\\x{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
