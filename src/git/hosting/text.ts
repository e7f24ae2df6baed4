import { createHash } from 'node:crypto';

/** What a pull request says, and the line by which tagpin knows it again. */
export interface PullRequestText {
  readonly title: string;
  /** With the marker as its last line. */
  readonly body: string;
  readonly marker: Marker;
}

/** The marker of a pull request that tagpin has opened. */
export interface Marker {
  /** Of what it updates: pull requests of the same target supersede each other. */
  readonly target: string;
  /** Of the text that tagpin wrote: what people changed of it since stays. */
  readonly text: string;
  /** Whether tagpin has closed it for a newer one. */
  readonly isSuperseded: boolean;
}

/** The least of what GitHub, GitLab and Gitea take. */
const LONGEST_TITLE = 250;
const LONGEST_BODY = 60_000;
const MARKER =
  /<!-- tagpin target=(?<target>[0-9a-f]{16}) text=(?<text>[0-9a-f]{16})(?<superseded> superseded)? -->\s*$/;

/**
 * The text of a pull request: the title is the first line of the commit's message, the body the rest.
 *
 * @param target names what is updated, for instance repository, branch and file; only its hash is shown.
 */
export function pullRequestText(message: string, target: string): PullRequestText {
  const [first = '', ...rest] = message.trim().split(/\r\n|\r|\n/);
  const title = cut(first.trim() === '' ? 'Update images' : first.trim(), LONGEST_TITLE);
  // A comment in the message must not be taken for the marker.
  const text = cut(rest.join('\n').trim().replaceAll('<!--', '<!\u2011-'), LONGEST_BODY);
  const marker = { target: hash(target), text: hash(`${title}\n${text}`), isSuperseded: false };
  return { title, body: withMarker(text, marker), marker };
}

/** The marker at the end of a pull request's body; null for one that tagpin did not open. */
export function readMarker(body: string): Marker | null {
  const { target, text, superseded } = MARKER.exec(body)?.groups ?? {};
  return target === undefined || text === undefined ? null : { target, text, isSuperseded: superseded !== undefined };
}

/** The body of a pull request that gives way to a newer one. @param newer how the host refers to it: `#12`, `!12`. */
export function supersededBody(body: string, newer: string): string {
  const marker = readMarker(body);
  const text = cut(body.replace(MARKER, '').trim(), LONGEST_BODY);
  if (marker === null) return body;
  return withMarker(`${text}\n\nSuperseded by ${newer}.`.trim(), { ...marker, isSuperseded: true });
}

function withMarker(text: string, { target, text: hashed, isSuperseded }: Marker): string {
  const line = `<!-- tagpin target=${target} text=${hashed}${isSuperseded ? ' superseded' : ''} -->`;
  return text === '' ? line : `${text}\n\n${line}`;
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : text;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
