import { type ParsedTemplate, parseTemplate, type Template } from './go-template.ts';

/** One image that a commit changes. */
export interface ImageChange {
  /** Of the Application. */
  readonly application: string;
  readonly alias: string;
  /** As the user wrote the repository. */
  readonly image: string;
  /** A tag, a digest, or both; empty where nothing stood there. */
  readonly from: string;
  readonly to: string;
}

/** What a branch is named by. */
export interface BranchFacts {
  readonly applicationName: string;
  readonly applicationNamespace: string;
  readonly changes: readonly ImageChange[];
  /** Names the repository, the branch and what is written there: eight hexadecimal digits. */
  readonly targetKey: string;
  /** The sum of `fingerprintText`. */
  readonly sha256: string;
}

const MESSAGE_FIELDS = {
  AppName: null,
  AppNamespace: null,
  AppChanges: ['Image', 'OldTag', 'NewTag', 'Alias', 'AppName'],
};
const BRANCH_FIELDS = {
  AppName: null,
  AppNamespace: null,
  TargetKey: null,
  SHA256: null,
  Images: ['Name', 'Alias', 'OldTag', 'NewTag'],
};

/** Argo CD Image Updater's. */
const MESSAGE = `build: automatic update of {{.AppName}}

{{range .AppChanges}}updates image {{.Image}} tag '{{.OldTag}}' to '{{.NewTag}}'
{{end}}`;
/** Git takes more, hosts do not. */
const LONGEST_BRANCH = 255;
const MOST_NAMES = 3;

/** Reads a `messageTemplate`; empty for Argo CD Image Updater's default. */
export function parseMessageTemplate(text: string): ParsedTemplate {
  return parseTemplate(text === '' ? MESSAGE : text, MESSAGE_FIELDS);
}

/** Reads the second part of a `git-branch`. */
export function parseBranchTemplate(text: string): ParsedTemplate {
  return parseTemplate(text, BRANCH_FIELDS);
}

/** The message of a commit that may be about several Applications: `.AppName` then names three of them and how many more. */
export function commitMessage(
  template: Template,
  namespaces: readonly string[],
  changes: readonly ImageChange[],
): string {
  const message = template({
    AppName: listed([...new Set(changes.map(({ application }) => application))]),
    AppNamespace: listed([...new Set(namespaces)]),
    AppChanges: changes.map(({ application, alias, image, from, to }) => {
      return { AppName: application, Alias: alias, Image: image, OldTag: from, NewTag: to };
    }),
  });
  return `${message.trim()}\n`;
}

/** The name of a branch of tagpin's own, at most 255 characters. */
export function branchName(template: Template, facts: BranchFacts): string {
  const name = template({
    AppName: facts.applicationName,
    AppNamespace: facts.applicationNamespace,
    TargetKey: facts.targetKey,
    SHA256: facts.sha256,
    Images: facts.changes.map(({ alias, image, from, to }) => {
      return { Name: image, Alias: alias, OldTag: from, NewTag: to };
    }),
  });
  return name.trim().slice(0, LONGEST_BRANCH);
}

/** What Argo CD Image Updater sums up in `.SHA256`. */
export function fingerprintText(changes: readonly ImageChange[]): string {
  return changes.map(({ image, from, to }) => `${image}-${from}-${to},`).join('');
}

function listed(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}
