import { parseDuration } from '../../duration.ts';
import { type Platform, parsePlatform } from '../../image/platform.ts';
import { canonicalName, parseReference } from '../../image/reference.ts';
import { nearestWord } from '../../policy/nearest.ts';
import { parseSelection, type SelectionRule, type SelectionText, STRATEGIES } from '../../version/select.ts';
import type { PullSecretSource, SettingsProblem, TrackedSettings, ValueFormat } from '../settings.ts';
import { parseTrackedImage, type TrackedImage } from '../tracked-image.ts';
import { readPlace } from './place.ts';
import { parsePullSecret } from './pull-secret.ts';
import { type ImageKey, type ListedImage, quoted, type Written } from './written.ts';

export interface ReadImage {
  /** Null where an error stops the image. */
  readonly settings: TrackedSettings | null;
  readonly problems: readonly SettingsProblem[];
}

export type LookUp = (key: ImageKey) => Written | null;

/** What went wrong with one written thing. */
type Report = (written: Written, problem: string) => void;

const VALUE_FORMATS: readonly ValueFormat[] = ['tag+digest', 'digest', 'tag'];

/** Go's `strconv.ParseBool`. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false] as const),
]);

/**
 * Reads what is written about one image of a list. Everything that Argo CD Image Updater takes for something else in silence is
 * an error here: a strategy that there is not, a pattern that matches nothing, a platform that can't be.
 *
 * @param namespace of the Application: the only one whose Secrets it may name.
 */
export function readImage(listed: ListedImage, look: LookUp, namespace: string): ReadImage {
  const problems: SettingsProblem[] = [];
  const image = listed.alias ?? listed.image.text;
  const report: Report = ({ where }, problem) => problems.push({ kind: 'error', key: where, image, problem });
  const tracked = readTracked(listed, report);
  if (tracked === null) return { settings: null, problems };

  const read = reader(look, report);
  const rule = readRule(tracked, listed.image, look, report);
  const platforms = read('platforms', parsePlatforms) ?? [];
  const pullSecret = read('pull-secret', (text) => readPullSecret(text, namespace));
  const forceUpdate = read('force-update', parseBoolean) ?? false;
  const format = read('format', parseFormat);
  const minAge = read('min-age', parseAge);
  const interval = read('interval', parseInterval);
  const allowDowngrade = read('allow-downgrade', parseBoolean) ?? false;
  const source = text(look('source'));
  const { place, problems: placeProblems } = readPlace(look, image);
  problems.push(...placeProblems);
  if (rule === null || place === null || problems.some(({ kind }) => kind === 'error')) {
    return { settings: null, problems };
  }

  // A chart with a parameter for the digest puts the two together by itself.
  const hasOwnDigest = place.kind === 'helm' && place.digestParameter !== null;
  return {
    problems,
    settings: {
      alias: listed.alias,
      key: listed.alias ?? canonicalName(tracked.repository),
      image: tracked,
      rule,
      platforms,
      pullSecret,
      forceUpdate,
      isOptional: listed.isOptional,
      place,
      source,
      format: format ?? (rule.strategy === 'digest' && !hasOwnDigest ? 'tag+digest' : 'tag'),
      minAge,
      interval,
      allowDowngrade,
    },
  };
}

function readTracked({ image }: ListedImage, report: Report): TrackedImage | null {
  if (image.text === '') {
    report(image, `${quoted(image.text)} names no image: write it behind the =`);
    return null;
  }
  // Lists are divided at commas, also in the middle of a range.
  if (/^[<>=!~^]/.test(image.text)) {
    report(image, `${quoted(image.text)} is no image: the list is divided at commas, so write ranges with spaces`);
    return null;
  }
  const parsed = parseTrackedImage(image.text);
  if (parsed.ok) return parsed.image;
  report(image, `${quoted(image.text)} can not be followed: ${parsed.problem}`);
  return null;
}

function readRule(tracked: TrackedImage, listed: Written, look: LookUp, report: Report): SelectionRule | null {
  const strategy = look('update-strategy');
  const name = text(strategy)?.toLowerCase() ?? 'semver';
  const allow = text(look('allow-tags')) === null ? look('tag-match') : look('allow-tags');
  const { constraint } = tracked;
  if (name === 'digest' && constraint === null) {
    report(
      listed,
      `${quoted(listed.text)} names no tag, and the strategy digest follows one: write ${listed.text}:latest`,
    );
    return null;
  }
  if (name === 'digest' && !parseReference(`${tracked.repository.name}:${constraint}`).ok) {
    report(listed, `${quoted(constraint ?? '')} is no tag, and the strategy digest follows one: name it`);
    return null;
  }
  const parsed = sharedRule({
    strategy: name,
    constraint,
    allowTags: text(allow),
    ignoreTags: text(look('ignore-tags')),
    extract: text(look('extract')),
  });
  if (parsed.ok) return parsed.value;

  const colon = parsed.problem.indexOf(': ');
  const part = parsed.problem.slice(0, colon);
  const problem = parsed.problem.slice(colon + 2);
  const written: Readonly<Record<string, Written | null>> = {
    'update-strategy': strategy,
    constraint: listed,
    'allow-tags': allow,
    'ignore-tags': look('ignore-tags'),
    extract: look('extract'),
  };
  const meant = part === 'update-strategy' ? nearestWord(name, STRATEGIES) : null;
  report(written[part] ?? listed, meant === null ? problem : `${problem}: did you mean ${meant}?`);
  return null;
}

/** Thousands of Applications follow a few dozen images by the same rules: compiled patterns are kept, and kept once. */
const RULES = new Map<string, ReturnType<typeof parseSelection>>();
const MOST_RULES = 2000;

function sharedRule(selection: SelectionText): ReturnType<typeof parseSelection> {
  const key = JSON.stringify(selection);
  const known = RULES.get(key);
  if (known !== undefined) return known;
  const parsed = parseSelection(selection);
  if (RULES.size >= MOST_RULES) RULES.clear();
  RULES.set(key, parsed);
  return parsed;
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Reads settings by their keys; what is empty counts as not written. */
function reader(look: LookUp, report: Report): <T>(key: ImageKey, parse: (text: string) => Parsed<T>) => T | null {
  return (key, parse) => {
    const written = look(key);
    if (written === null || written.text === '') return null;
    const parsed = parse(written.text);
    if (parsed.ok) return parsed.value;
    report(written, parsed.problem);
    return null;
  };
}

function text(written: Written | null): string | null {
  return written === null || written.text === '' ? null : written.text;
}

function parsePlatforms(value: string): Parsed<readonly Platform[]> {
  const platforms: Platform[] = [];
  for (const item of value.split(',').map((each) => each.trim())) {
    if (item === '') continue;
    const parsed = parsePlatform(item);
    if (!parsed.ok) return bad(`${quoted(item)} is no platform: ${parsed.problem}`);
    platforms.push(parsed.platform);
  }
  return good(platforms);
}

function readPullSecret(value: string, namespace: string): Parsed<PullSecretSource> {
  const parsed = parsePullSecret(value, namespace);
  return parsed.ok ? good(parsed.source) : parsed;
}

/** `true` or `false`, as Go's `strconv.ParseBool` reads it. */
export function parseBoolean(value: string): Parsed<boolean> {
  const parsed = BOOLEANS.get(value);
  return parsed === undefined
    ? bad(`${quoted(value)} is neither true nor false: write "true" or "false"`)
    : good(parsed);
}

function parseFormat(value: string): Parsed<ValueFormat> {
  const format = VALUE_FORMATS.find((each) => each === value);
  return format === undefined ? bad(`${quoted(value)} is none of ${VALUE_FORMATS.join(', ')}`) : good(format);
}

/** A duration, in milliseconds. */
export function parseAge(value: string): Parsed<number> {
  const age = parseDuration(value);
  return age === null || age < 0 ? bad(`${quoted(value)} is no duration: write 12h, 1h30m or 7d`) : good(age);
}

/** A duration of a second or more, in milliseconds. */
export function parseInterval(value: string): Parsed<number> {
  const interval = parseDuration(value);
  return interval === null || interval < 1000
    ? bad(`${quoted(value)} is no duration of a second or more: write 30s, 5m or 1d`)
    : good(interval);
}

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
