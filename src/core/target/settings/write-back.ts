import { nearestWord } from '../../policy/nearest.ts';
import { isObjectName } from '../../workload/pull-sources.ts';
import type {
  GitCredentialSource,
  PullRequestSettings,
  SettingsProblem,
  WriteBack,
  WriteBackTarget,
} from '../settings.ts';
import { type ApplicationKey, quoted, type Written } from './written.ts';

export interface ReadWriteBack {
  /** Null where an error stops the Application. */
  readonly writeBack: WriteBack | null;
  readonly problems: readonly SettingsProblem[];
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

const PULL_REQUEST_PROVIDERS: readonly PullRequestSettings['provider'][] = ['github', 'gitlab', 'gitea'];

/** What the API allows for a label of a pull request. */
const LONGEST_LABEL = 255;
const MOST_LABELS = 100;
const KUSTOMIZATION_FILES = new Set(['kustomization.yaml', 'kustomization.yml', 'Kustomization']);

/** Reads how an Application's changes are written back: into it (`argocd`, the default) or into its repository (`git`). */
export function readWriteBack(look: (key: ApplicationKey) => Written | null, namespace: string): ReadWriteBack {
  const problems: SettingsProblem[] = [];
  const read = <T>(key: ApplicationKey, parse: (text: string) => Parsed<T>): T | null => {
    const written = look(key);
    if (written === null || written.text === '') return null;
    const parsed = parse(written.text);
    if (parsed.ok) return parsed.value;
    problems.push({ kind: 'error', key: written.where, image: null, problem: parsed.problem });
    return null;
  };

  const method = read('write-back-method', (text) => parseMethod(text, namespace));
  if (method === null || method.kind === 'argocd') {
    const stopped = problems.length > 0;
    if (!stopped) problems.push(...inert(look));
    return { writeBack: stopped ? null : { kind: 'argocd' }, problems };
  }
  const target = read('write-back-target', parseTarget) ?? { kind: 'argocd-source' };
  const branch = read('git-branch', parseBranch) ?? { base: null, push: null };
  const repository = read('git-repository', parseRepository);
  const provider = read('pull-request', parseProvider);
  const labels = read('pull-request-labels', parseLabels) ?? [];
  if (provider !== null && branch.push !== null) {
    problems.push({
      kind: 'error',
      key: look('git-branch')?.where ?? '',
      image: null,
      problem: `${quoted(look('git-branch')?.text ?? '')} names a branch to push to, and a pull request has one of its own: name the base alone`,
    });
  }
  if (problems.length > 0) return { writeBack: null, problems };
  const pullRequest = provider === null ? null : { provider, labels };
  return {
    writeBack: { kind: 'git', credentials: method.credentials, target, repository, branch, pullRequest },
    problems,
  };
}

export type WriteBackPath =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly problem: string };

/**
 * Where in the repository a target is: the file, or the directory of a kustomization. `.argocd-source-NAME.yaml` stands in the
 * source's path, with the namespace in its name for an Application outside of Argo CD's own.
 *
 * @returns a path without a leading `/`, empty for the root's directory; never one that leads out of the repository.
 */
export function writeBackPath(
  target: WriteBackTarget,
  where: {
    readonly sourcePath: string | null;
    readonly applicationName: string;
    readonly applicationNamespace: string;
    readonly controllerNamespace: string;
  },
): WriteBackPath {
  const base = where.sourcePath ?? '';
  switch (target.kind) {
    case 'argocd-source': {
      const prefix = where.applicationNamespace === where.controllerNamespace ? '' : `${where.applicationNamespace}_`;
      return inRepository(base, `.argocd-source-${prefix}${where.applicationName}.yaml`);
    }
    case 'helmvalues':
      return inRepository(base, target.path ?? 'values.yaml');
    case 'kustomization':
      return inRepository(base, target.path ?? '.');
  }
}

function inRepository(base: string, path: string): WriteBackPath {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) {
      return { ok: false, problem: `${quoted(path)} leads out of the repository: name a path inside of it` };
    }
  }
  if (parts.some((part) => part.toLowerCase() === '.git')) {
    return { ok: false, problem: `${quoted(path)} is git's own: name another path` };
  }
  return { ok: true, path: parts.join('/') };
}

type Method = { readonly kind: 'argocd' } | { readonly kind: 'git'; readonly credentials: GitCredentialSource };

function parseMethod(text: string, namespace: string): Parsed<Method> {
  if (text === 'argocd') return good({ kind: 'argocd' });
  if (text === 'git' || text === 'git:repocreds') return good({ kind: 'git', credentials: { kind: 'repocreds' } });
  const secret = /^git:secret:(?:(?<namespace>[^/]*)\/)?(?<name>[^/]*)$/.exec(text)?.groups;
  if (secret === undefined) {
    const words = ['argocd', 'git', 'git:repocreds', 'git:secret:NAME'];
    return bad(`${quoted(text)} is none of ${words.join(', ')}${meant(text, words.slice(0, 3))}`);
  }
  const [of = namespace, name = ''] = [secret['namespace'], secret['name']];
  if (!isObjectName(name)) return bad(`${quoted(text)} names no Secret: write git:secret:NAME`);
  if (of !== namespace) {
    return bad(`${quoted(text)} is in another namespace: copy the Secret to ${namespace} and write git:secret:${name}`);
  }
  return good({ kind: 'git', credentials: { kind: 'secret', namespace, name } });
}

function parseTarget(text: string): Parsed<WriteBackTarget> {
  const colon = text.indexOf(':');
  const kind = colon === -1 ? text : text.slice(0, colon);
  const path = colon === -1 ? null : text.slice(colon + 1).trim();
  if (path === '') return bad(`${quoted(text)} names no path: leave the colon out, or name one`);
  if (path !== null && /[\\\p{Cc}]/u.test(path)) return bad(`${quoted(text)} has characters that no path needs`);
  const file = path?.split('/').at(-1) ?? '';
  switch (kind) {
    case 'kustomization':
      return KUSTOMIZATION_FILES.has(file)
        ? bad(`${quoted(text)} is a file: name its directory, as kustomize takes it`)
        : good({ kind, path });
    case 'helmvalues':
      return good({ kind, path });
    default: {
      const likely = KUSTOMIZATION_FILES.has(kind.split('/').at(-1) ?? '')
        ? 'kustomization:DIRECTORY'
        : 'helmvalues:FILE';
      return bad(`${quoted(text)} is neither kustomization[:DIRECTORY] nor helmvalues[:FILE]: write ${likely}`);
    }
  }
}

function parseBranch(text: string): Parsed<{ readonly base: string | null; readonly push: string | null }> {
  const [base = '', push = '', ...more] = text.split(':').map((part) => part.trim());
  if (more.length > 0) return bad(`${quoted(text)} has more than one colon: write BASE:BRANCH`);
  if (base.startsWith('-') || push.startsWith('-')) return bad(`${quoted(text)} starts with "-", which no branch does`);
  return good({ base: base === '' ? null : base, push: push === '' ? null : push });
}

function parseRepository(text: string): Parsed<string> {
  return /^[^\s-]\S*$/.test(text) ? good(text) : bad(`${quoted(text)} is no URL of a repository`);
}

function parseProvider(text: string): Parsed<PullRequestSettings['provider']> {
  const provider = PULL_REQUEST_PROVIDERS.find((each) => each === text.toLowerCase());
  if (provider !== undefined) return good(provider);
  return bad(`${quoted(text)} is none of ${PULL_REQUEST_PROVIDERS.join(', ')}${meant(text, PULL_REQUEST_PROVIDERS)}`);
}

function parseLabels(text: string): Parsed<readonly string[]> {
  const labels = text.split(',').map((label) => label.trim());
  const named = labels.filter((label) => label !== '');
  if (named.length > MOST_LABELS) return bad(`${named.length} labels are more than ${MOST_LABELS}: leave some out`);
  const long = named.find((label) => label.length > LONGEST_LABEL);
  return long === undefined
    ? good(named)
    : bad(`${quoted(long)} is longer than ${LONGEST_LABEL} characters: shorten it`);
}

/** What says how to commit, where nothing is committed. */
function inert(look: (key: ApplicationKey) => Written | null): readonly SettingsProblem[] {
  const keys: readonly ApplicationKey[] = ['write-back-target', 'git-branch', 'git-repository', 'pull-request'];
  return keys.flatMap((key) => {
    const written = look(key);
    if (written === null || written.text === '') return [];
    const problem = `${quoted(written.text)} does nothing without the method git: write write-back-method: git`;
    return [{ kind: 'hint' as const, key: written.where, image: null, problem }];
  });
}

function meant(text: string, words: readonly string[]): string {
  const word = nearestWord(text, words);
  return word === null ? '' : `: did you mean ${word}?`;
}

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
