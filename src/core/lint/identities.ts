import type { LintCode } from './finding.ts';

/** Whose signature counts, as texts and RE2 patterns. */
export interface LintedIdentity {
  readonly issuer: string | null;
  readonly issuerPattern: string | null;
  readonly subject: string | null;
  readonly subjectPattern: string | null;
}

/** A policy has none that is longer; what anybody may write into an object must not keep an audit busy. */
const LONGEST_TEXT = 1000;

/** How a pattern is read: it has to fit the whole text, as for tagpin, or any part of it, as for Flux. */
export type PatternReading = 'whole' | 'part';

/** What is to be said of one of its fields. */
export interface IdentityFinding {
  readonly code: Extract<LintCode, 'Identity'>;
  readonly field: keyof LintedIdentity;
  readonly message: string;
}

/**
 * Finds patterns that are wider than they read (no anchors, a dot in a host that is any character, a subject that lets any branch
 * sign) and texts that were meant as patterns, which nobody has.
 */
export function lintIdentity(identity: LintedIdentity, reading: PatternReading): readonly IdentityFinding[] {
  if (Object.values(identity).some((text: string | null) => (text?.length ?? 0) > LONGEST_TEXT)) return [];
  const findings: IdentityFinding[] = [];
  const add = (field: IdentityFinding['field'], message: string) => findings.push({ code: 'Identity', field, message });
  for (const name of ['issuer', 'subject'] as const) {
    const [text, pattern] = [identity[name], identity[`${name}Pattern`]];
    if (text !== null && looksLikePattern(text)) {
      add(
        name,
        `${JSON.stringify(text)} is compared letter by letter, and nobody has that ${name}: write ${name}Pattern`,
      );
    }
    if (pattern === null) continue;
    const field = `${name}Pattern` as const;
    for (const problem of patternProblems(pattern, reading)) add(field, problem);
  }
  const open = identity.subjectPattern === null ? null : openEnd(identity.subjectPattern);
  if (open !== null) add('subjectPattern', open);
  return findings;
}

function patternProblems(pattern: string, reading: PatternReading): readonly string[] {
  const problems: string[] = [];
  const missing = [...(startsAnchored(pattern) ? [] : ['^']), ...(endsAnchored(pattern) ? [] : ['$'])].join(' and ');
  const quoted = JSON.stringify(pattern);
  if (missing !== '') {
    problems.push(
      reading === 'whole'
        ? `${quoted} has to fit the whole text, though it has no ${missing}: write ^…$, so that it reads as what it does`
        : `${quoted} fits any text that has it somewhere, such as evil-github.com, since it has no ${missing}: write ^…$`,
    );
  }
  const host = looseHost(pattern);
  if (host !== null) {
    const meant = host.replaceAll(/(?<!\\)\./g, '\\.');
    problems.push(`in ${host} a dot is any character, also one of somebody else's host: write ${meant}`);
  }
  return problems;
}

/** With alternatives at the top, each would need its own. */
function startsAnchored(pattern: string): boolean {
  return /^(?:\(\?[a-z]+\))?(?:\^|\\A)/.test(pattern) && !hasBareAlternative(pattern);
}

function endsAnchored(pattern: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*(?:\$|\\z)$/.test(pattern) && !hasBareAlternative(pattern);
}

/** A `|` outside of groups and sets. */
function hasBareAlternative(pattern: string): boolean {
  let depth = 0;
  let isSet = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '\\') at += 1;
    else if (isSet) isSet = character !== ']';
    else if (character === '[') isSet = true;
    else if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}

/** The host of a pattern where one of its dots is any character; null where there is none. */
function looseHost(pattern: string): string | null {
  const start = /^\^?\(?(?:https\??:\/\/)?/.exec(pattern)?.[0].length ?? 0;
  const host = /^(?:[A-Za-z0-9-]|\\?\.)+/.exec(pattern.slice(start))?.[0] ?? '';
  const rest = pattern.slice(start + host.length);
  // `.+` and `.*` mean what they say.
  const plain = /^[+*?{]/.test(rest) ? host.replace(/\\?.$/, '') : host;
  return /(?<!\\)\.[A-Za-z0-9]/.test(plain) ? plain : null;
}

const ANY_REF = /@(?:refs\/)?(?:heads\/)?\(?(?:\.|\[\^[^\]]*\]|\\S)[+*]\)?(?:\$|\\z)?$/;
const ANY_WORKFLOW = /^\^?https:\/\/git(?:hub|lab)\\?\.com\/[^@]*\.[+*](?:\$|\\z)?$/;

/** GitHub's and GitLab's subjects are `REPOSITORY/WORKFLOW@REF`. */
function openEnd(pattern: string): string | null {
  const quoted = JSON.stringify(pattern);
  if (ANY_REF.test(pattern)) {
    return `${quoted} lets any branch sign: end it with a ref that is protected, such as @refs/heads/main or @refs/tags/v.+`;
  }
  return ANY_WORKFLOW.test(pattern)
    ? `${quoted} lets any workflow and any branch sign: name the workflow and the ref, such as /\\.github/workflows/release\\.yaml@refs/tags/v.+`
    : null;
}

function looksLikePattern(text: string): boolean {
  return /[*\\^]|\.\+|\$$/.test(text);
}
