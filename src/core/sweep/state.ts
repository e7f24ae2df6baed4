import { asObject, asString, elements, type JsonObject } from '../workload/json.ts';
import { type ImageValue, parseValue, valueText } from './value.ts';

/** A value, and a moment in milliseconds since 1970. */
export interface Moment extends ImageValue {
  readonly at: number;
}

/** What is remembered of one image of a target. Annotations could not hold it: `rollout undo` and ApplicationSets replace them. */
export interface ImageState {
  /** What was written last, or what stood there already when it was to be written. */
  readonly written: ImageValue | null;
  /** What the image's tag means, and when that was seen first. */
  readonly first: Moment | null;
  /** What was about to be written; null once that has succeeded. */
  readonly attempt: (Moment & { readonly count: number }) | null;
  /** What stood there before it was written over, the latest last. */
  readonly before: readonly ImageValue[];
  /** For which value drift was repaired. */
  readonly repaired: ImageValue | null;
  /** Somebody put something else in the place of `wanted`: nothing is written until the tag means a third thing. */
  readonly contested: { readonly wanted: ImageValue; readonly by: string | null } | null;
  /** Where all that is, for git: see `writePlace`. */
  readonly place: string | null;
  /** What an Event told last. */
  readonly told: string | null;
  /** Why the last attempt could not be written, for people; null where that is not so. */
  readonly problem: string | null;
  /** Of a workload: what was attempted stands there, and is not known to be healthy. Its attempt's time is when it got on last. */
  readonly rollout: RolloutState | null;
  /** Of a workload: what is in `written` was only seen, since nothing there shows a digest. */
  readonly observed: true | null;
  /** Of a workload: at how many looks in a row there was something to do and its rollout was not over. */
  readonly waited: number | null;
  /** Of a workload: how often in a row its registry did not answer. */
  readonly lookups: number | null;
}

/** A rollout that a write of ours began. */
export interface RolloutState {
  /** How far it had got when it was looked at last. */
  readonly progress: number;
  /** It did not become healthy in its time. */
  readonly failed: boolean;
}

/** What is remembered of one target, by its uid. */
export interface TargetState {
  /** `Application argocd/shop`, for people. */
  readonly target: string;
  /** Since when it has not been there, in milliseconds since 1970; null where it is. */
  readonly gone: number | null;
  /** By `TrackedSettings.key`. */
  readonly images: ReadonlyMap<string, ImageState>;
}

/** Nothing is known. */
export const NEW_IMAGE: ImageState = Object.freeze({
  written: null,
  first: null,
  attempt: null,
  before: [],
  repaired: null,
  contested: null,
  place: null,
  told: null,
  problem: null,
  rollout: null,
  observed: null,
  waited: null,
  lookups: null,
});

/** Under this key, which no image has, is what was told of a target's settings. */
export const PROBLEMS = '*';

const VERSION = 1;
/** To know a rollback, what ran lately is enough; 8 values with digests take 800 bytes. */
const MOST_BEFORE = 8;
/** Of a text that is remembered nothing beyond these characters is. */
export const LONGEST_TEXT = 200;
/** What an admission webhook says comes after what was asked. */
const LONGEST_PROBLEM = 500;
/** Nobody needs to know of more, and a number that stays the same is not stored again. */
export const MOST_COUNTED = 99;
/** An Application that follows more images than these is remembered for the first of them. */
const MOST_IMAGES = 200;

/** Adds what stands in the place now to what ran there; what no registry can have ran nowhere, and may be a megabyte. */
export function withBefore(before: readonly ImageValue[], value: ImageValue): readonly ImageValue[] {
  const text = valueText(value);
  if (parseValue(text) === null) return before;
  return [...before.filter((each) => valueText(each) !== text), value].slice(-MOST_BEFORE);
}

/** What was written elsewhere is not written here, and nobody took it back here; only what the tag means stays known. */
export function inPlace(state: ImageState, place: string | null): ImageState {
  return state.place === place ? state : { ...NEW_IMAGE, first: state.first, told: state.told, place };
}

/** As it is stored: JSON with its keys always in the same order, so that equal states are equal texts. */
export function formatTargetState({ target, gone, images }: TargetState): string {
  const sorted = [...images].toSorted(([one], [other]) => (one < other ? -1 : 1)).slice(0, MOST_IMAGES);
  return JSON.stringify({
    v: VERSION,
    target,
    ...(gone !== null && { gone: timeText(gone) }),
    images: Object.fromEntries(sorted.map(([key, image]) => [key, formatImage(image)])),
  });
}

/**
 * Reads a stored state. What is not understood in it is taken for not remembered, so that an older, a newer and a foreign text do
 * no harm.
 *
 * @returns null where nothing of it is a state.
 */
export function parseTargetState(text: string): TargetState | null {
  const fields = parseObject(text);
  const images = asObject(fields?.['images']);
  if (fields === null || images === null || typeof fields['v'] !== 'number') return null;
  return {
    target: textOf(fields['target']) ?? '',
    gone: timeOf(fields['gone']),
    images: new Map(
      Object.entries(images)
        .slice(0, MOST_IMAGES)
        .map(([key, image]) => [key, parseImage(asObject(image) ?? {})]),
    ),
  };
}

function formatImage(image: ImageState): JsonObject {
  const { written, first, attempt, before, repaired, contested, place, told, problem } = image;
  const { rollout, observed, waited, lookups } = image;
  return {
    ...(written !== null && { written: valueText(written) }),
    ...(first !== null && { first: { value: valueText(first), at: timeText(first.at) } }),
    ...(attempt !== null && {
      attempt: { value: valueText(attempt), at: timeText(attempt.at), count: attempt.count },
    }),
    ...(before.length > 0 && { before: before.map(valueText) }),
    ...(repaired !== null && { repaired: valueText(repaired) }),
    ...(contested !== null && {
      contested: { wanted: valueText(contested.wanted), ...(contested.by !== null && { by: cut(contested.by) }) },
    }),
    ...(place !== null && { place: cut(place) }),
    ...(told !== null && { told: cut(told) }),
    ...(problem !== null && { problem: problem.slice(0, LONGEST_PROBLEM) }),
    ...(rollout !== null && {
      rollout: { progress: rollout.progress, ...(rollout.failed && { failed: true }) },
    }),
    ...(observed !== null && { observed }),
    ...(waited !== null && { waited }),
    ...(lookups !== null && { lookups }),
  };
}

function parseImage(fields: JsonObject): ImageState {
  const contested = asObject(fields['contested']);
  const wanted = valueOf(contested?.['wanted']);
  const attempt = asObject(fields['attempt']);
  const attempted = momentOf(attempt);
  const count = attempt?.['count'];
  return {
    written: valueOf(fields['written']),
    first: momentOf(asObject(fields['first'])),
    attempt: attempted === null ? null : { ...attempted, count: Number.isSafeInteger(count) ? Number(count) : 1 },
    before: elements(fields['before'])
      .map(valueOf)
      .filter((value) => value !== null)
      .slice(-MOST_BEFORE),
    repaired: valueOf(fields['repaired']),
    contested: wanted === null ? null : { wanted, by: textOf(contested?.['by']) },
    place: textOf(fields['place']),
    told: textOf(fields['told']),
    problem: asString(fields['problem'])?.slice(0, LONGEST_PROBLEM) ?? null,
    rollout: rolloutOf(asObject(fields['rollout'])),
    observed: fields['observed'] === true ? true : null,
    waited: countOf(fields['waited']),
    lookups: countOf(fields['lookups']),
  };
}

function rolloutOf(fields: JsonObject | null): RolloutState | null {
  if (fields === null) return null;
  const progress = fields['progress'];
  return { progress: Number.isFinite(progress) ? Number(progress) : 0, failed: fields['failed'] === true };
}

/** A count that can't be read is taken for one that is over every limit: nothing must wait for ever. */
function countOf(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : MOST_COUNTED;
}

function valueOf(value: unknown): ImageValue | null {
  const text = asString(value);
  return text === null ? null : parseValue(text);
}

function momentOf(fields: JsonObject | null): Moment | null {
  const value = valueOf(fields?.['value']);
  const at = timeOf(fields?.['at']);
  return value === null || at === null ? null : { ...value, at };
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeOf(value: unknown): number | null {
  const milliseconds = Date.parse(asString(value) ?? '');
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

function textOf(value: unknown): string | null {
  const text = asString(value);
  return text === null ? null : cut(text);
}

function cut(text: string): string {
  return text.slice(0, LONGEST_TEXT);
}

function parseObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Is anything remembered of it? A place alone says nothing. */
export function isKnown(image: ImageState): boolean {
  return Object.values({ ...image, place: null }).some(
    (value) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
}
