import { canonicalName, effectiveTag, type ImageReference, parseReference } from '../../image/reference.ts';
import { describeUnknownKey } from '../../policy/describe-issue.ts';
import { nearestWord } from '../../policy/nearest.ts';
import { readDocument } from '../../policy/yaml/document.ts';
import { asObject, type JsonObject } from '../../workload/json.ts';
import { parseAge, parseInterval } from '../settings/image-settings.ts';
import { quoted } from '../settings/written.ts';

/** What a workload follows: YAML or JSON, a list. */
export const FOLLOW_ANNOTATION = 'tagpin.dev/follow';

/** How a workload is moved to what its tag means now. */
export const FOLLOW_ACTIONS = ['refresh', 'set-image', 'set-env', 'restart'] as const;
export type FollowAction = (typeof FOLLOW_ACTIONS)[number];

/** One entry of the list, as it was written. */
export interface FollowEntry {
  /** How changes name it where no container does: the container, the image, or its number from 1. */
  readonly name: string;
  readonly action: FollowAction;
  /** By tag, also where none was written; null: what the container was pinned from. */
  readonly image: ImageReference | null;
  /** `NAME`, `initContainers/NAME`, `volumes/NAME`; null: every one of this image, and for `restart` none at all. */
  readonly container: string | null;
  /** With `set-env`, and only there. */
  readonly env: string | null;
  /** How often to look, in milliseconds; null where the policy's interval holds. */
  readonly interval: number | null;
  /** How long a digest must have been there, in milliseconds; null where any age will do. */
  readonly minAge: number | null;
}

/** What is wrong with one entry, or with all where `name` is `*`. */
export interface FollowProblem {
  readonly name: string;
  /** Where, what is wrong and what to write, a sentence without its full stop. */
  readonly problem: string;
}

export interface ReadFollow {
  readonly entries: readonly FollowEntry[];
  readonly problems: readonly FollowProblem[];
}

const KEYS = ['image', 'container', 'action', 'env', 'interval', 'min-age'] as const;
type Key = (typeof KEYS)[number];

/** Ten times what a workload with many containers needs. */
const LONGEST_TEXT = 16 * 1024;
const MOST_ENTRIES = 100;
/** What the API server takes for the name of a variable, in its wider form. */
const VARIABLE = /^[ -<>-~]{1,253}$/;
const CONTAINER = /^(?:(?:containers|initContainers|volumes)\/)?[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const EXAMPLE = '"- container: NAME"';

/** Reads the annotation. An entry with an error is none of the entries; the others stand. */
export function parseFollow(text: string): ReadFollow {
  if (text.length > LONGEST_TEXT) return broken(`it is longer than ${LONGEST_TEXT / 1024} KiB`);
  const known = READ.get(text);
  if (known !== undefined) return known;
  const read = parseList(text);
  keptCharacters += text.length;
  if (keptCharacters > MOST_KEPT) {
    READ.clear();
    keptCharacters = text.length;
  }
  READ.set(text, read);
  return read;
}

/** The same texts are read in every cycle, and one that was made for it takes 70 ms. */
const READ = new Map<string, ReadFollow>();
const MOST_KEPT = 8 * 1024 * 1024;
let keptCharacters = 0;

function parseList(text: string): ReadFollow {
  const read = readDocument(text);
  if (!read.ok) {
    const [first] = read.errors;
    return broken(
      first === undefined ? 'it is no YAML' : `${place(first)}: ${first.message}: write a list, as in ${EXAMPLE}`,
    );
  }
  const { value, problems: misfits } = read.document;
  const [misfit] = misfits;
  if (misfit !== undefined) return broken(`${place(misfit)}: ${misfit.message}`);
  if (!Array.isArray(value)) {
    const what = value === 'semver' ? '"semver" is for an OCIRepository' : 'it is no list';
    return broken(`${what}: write a list, as in ${EXAMPLE}`);
  }
  if (value.length > MOST_ENTRIES) return broken(`it lists more than ${MOST_ENTRIES} entries`);
  if (value.length === 0) return broken(`the list is empty: write ${EXAMPLE}, or remove the annotation`);
  const entries: FollowEntry[] = [];
  const problems: FollowProblem[] = [];
  for (const [index, each] of value.entries()) {
    const { line } = read.document.placeOfValue([index]);
    const where = `entry ${index + 1}${line > 1 ? ` (line ${line})` : ''}`;
    const parsed = parseEntry(asObject(each), `${index + 1}`);
    if (parsed.problems.length === 0 && parsed.entry !== null) entries.push(parsed.entry);
    problems.push(...parsed.problems.map((problem) => ({ name: parsed.name, problem: `${where}: ${problem}` })));
  }
  return { entries, problems };
}

interface ParsedEntry {
  readonly name: string;
  readonly entry: FollowEntry | null;
  readonly problems: readonly string[];
}

function parseEntry(object: JsonObject | null, number: string): ParsedEntry {
  if (object === null) return { name: number, entry: null, problems: [`it is no mapping: write ${EXAMPLE}`] };
  const problems: string[] = [];
  for (const key of Object.keys(object)) {
    if (!(KEYS as readonly string[]).includes(key)) problems.push(`${quoted(key)} ${describeUnknownKey(key, KEYS)}`);
  }
  const text = (key: Key): string | null => {
    const value = object[key];
    if (value === undefined) return null;
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    const quote = typeof value === 'number' || typeof value === 'boolean' ? ': put it in quotes' : '';
    problems.push(value === null || value === '' ? `${key} has no value` : `${key} must be text${quote}`);
    return null;
  };
  const parse = <T>(key: Key, parser: (value: string) => Parsed<T>): T | null => {
    const written = text(key);
    if (written === null) return null;
    const parsed = parser(written);
    if (parsed.ok) return parsed.value;
    problems.push(`${key}: ${parsed.problem}`);
    return null;
  };

  const entry = {
    action: parse('action', parseAction) ?? 'refresh',
    image: parse('image', parseImage),
    container: parse('container', parseContainer),
    env: parse('env', parseVariable),
    interval: parse('interval', parseInterval),
    minAge: parse('min-age', parseAge),
  } satisfies Omit<FollowEntry, 'name'>;
  if (problems.length === 0) problems.push(...missing(entry));
  const { container, image, env } = entry;
  const name = container === null ? (image === null ? number : imageName(image)) : imageKey(container, env);
  return { name, entry: { ...entry, name }, problems };
}

/** What an action can't do without, and what does nothing for it. */
function missing({ action, image, container, env }: Omit<FollowEntry, 'name'>): readonly string[] {
  if (action !== 'set-env' && env !== null) return [`env does nothing with action: ${action}: write action: set-env`];
  switch (action) {
    case 'refresh':
    case 'restart':
      return container === null && image === null
        ? [`action: ${action} needs a container or an image: write container: NAME`]
        : [];
    case 'set-image':
      return image === null ? ['action: set-image needs the image that it follows: write image: REPOSITORY:TAG'] : [];
    case 'set-env': {
      const needed = { image: 'REPOSITORY:TAG', container: 'NAME', env: 'VARIABLE' };
      const written = { image, container, env };
      const lacking = (['image', 'container', 'env'] as const).filter((key) => written[key] === null);
      if (lacking.length > 0) {
        return [`action: set-env needs ${lacking.map((key) => `${key}: ${needed[key]}`).join(' and ')}`];
      }
      return container?.startsWith('volumes/') === true ? ['a volume has no environment: name a container'] : [];
    }
  }
}

/** How changes, states and `adopt-from` name an image of a workload: its container, and the variable that takes its digest. */
export function imageKey(container: string, env: string | null): string {
  const name = container.replace(/^containers\//, '');
  return env === null ? name : `${name}/${env}`;
}

/** `ghcr.io/acme/app:main`. */
export function imageName(image: ImageReference): string {
  return `${canonicalName(image)}:${effectiveTag(image) ?? ''}`;
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

function parseAction(text: string): Parsed<FollowAction> {
  const action = FOLLOW_ACTIONS.find((each) => each === text);
  if (action !== undefined) return { ok: true, value: action };
  const meant = nearestWord(text, FOLLOW_ACTIONS);
  const instead = meant === null ? `: write one of ${FOLLOW_ACTIONS.join(', ')}` : `: did you mean ${meant}?`;
  return bad(`${quoted(text)} is no action${instead}`);
}

function parseImage(text: string): Parsed<ImageReference> {
  const parsed = parseReference(text);
  if (!parsed.ok) return bad(`${quoted(text)}: ${parsed.problem}`);
  if (parsed.reference.digest !== null) {
    return bad(`${quoted(text)}: a digest never changes: write the tag that is followed`);
  }
  return { ok: true, value: parsed.reference };
}

function parseContainer(text: string): Parsed<string> {
  if (CONTAINER.test(text)) return { ok: true, value: text.replace(/^containers\//, '') };
  return bad(`${quoted(text)} is no name of a container: write NAME, initContainers/NAME or volumes/NAME`);
}

function parseVariable(text: string): Parsed<string> {
  return VARIABLE.test(text) ? { ok: true, value: text } : bad(`${quoted(text)} is no name of a variable`);
}

function bad<T>(problem: string): Parsed<T> {
  return { ok: false, problem };
}

function broken(problem: string): ReadFollow {
  return { entries: [], problems: [{ name: '*', problem }] };
}

function place({ line, column }: { readonly line: number; readonly column: number }): string {
  return `line ${line}, column ${column}`;
}
