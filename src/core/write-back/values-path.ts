import type { Path } from '../manifest/document.ts';
import { asObject } from '../workload/json.ts';

/** A step of a dotted path; `rest` is the text from this step on, which a file may also have as one key. */
interface Step {
  readonly step: string | number;
  readonly rest: string | null;
}

export type ParsedValuesPath =
  | { readonly ok: true; readonly steps: readonly Step[] }
  | { readonly ok: false; readonly problem: string };

/** A path is longer than anybody writes by hand: it comes from an annotation. */
const LONGEST_PATH = 1024;

/** Reads the path of a Helm value: `image.tag`, `containers[0].image`, `a\.b.c` with a dot in a key. */
export function parseValuesPath(text: string): ParsedValuesPath {
  if (text.length > LONGEST_PATH) return { ok: false, problem: `a path of more than ${LONGEST_PATH} characters` };
  const steps: Step[] = [];
  // A dot behind a backslash belongs to the key.
  for (const match of text.matchAll(/(?:\\.|[^.\\])+|\.(?=\.|$)|^\.|^$/g)) {
    const [part] = match;
    const [, key = '', indexes = ''] = /^(.*?)((?:\[[^[\]]*\])*)$/s.exec(part) ?? [];
    const numbers = [...indexes.matchAll(/\[([^[\]]*)\]/g)].map(([, index = '']) => index);
    if (key === '' || key === '.') return { ok: false, problem: `${JSON.stringify(text)} has an empty step` };
    if (/[[\]]/.test(key) || numbers.some((index) => !/^\d{1,6}$/.test(index))) {
      return { ok: false, problem: `${JSON.stringify(text)} has an index that is no number: write a.b[0].c` };
    }
    steps.push({ step: key.replaceAll(/\\(.)/g, '$1'), rest: text.slice(match.index) });
    steps.push(...numbers.map((index) => ({ step: Number(index), rest: null })));
  }
  return { ok: true, steps };
}

/** Where a value stands, or where it is to be put. */
export type PlacedValue =
  | { readonly kind: 'there'; readonly path: Path; readonly value: unknown }
  /** The mapping at `path` has no `keys[0]`; the further keys are to be made in it. */
  | { readonly kind: 'missing'; readonly path: Path; readonly keys: readonly string[] }
  | { readonly kind: 'blocked'; readonly path: Path; readonly problem: string };

/**
 * Finds a value among others: key in key, else under one key with dots in it, as `image.tag: …` has it.
 *
 * @param values as `readManifest` gives them; null where there are none yet.
 */
export function findValue(values: unknown, steps: readonly Step[]): PlacedValue {
  return look(values, steps, []);
}

function look(value: unknown, steps: readonly Step[], path: Path): PlacedValue {
  const [first, ...others] = steps;
  if (first === undefined) return { kind: 'there', path, value };
  const { step, rest } = first;
  if (typeof step === 'number') {
    if (!Array.isArray(value)) return { kind: 'blocked', path, problem: 'there is no list' };
    return step < value.length
      ? look(value[step], others, [...path, step])
      : { kind: 'blocked', path, problem: `the list has ${value.length} items, counted from 0` };
  }
  const object = asObject(value);
  if (object === null && value !== null && value !== undefined) {
    return {
      kind: 'blocked',
      path,
      problem: Array.isArray(value) ? 'there is a list, name an index of it' : 'there is no mapping',
    };
  }
  const nested = object !== null && Object.hasOwn(object, step) ? look(object[step], others, [...path, step]) : null;
  if (nested?.kind === 'there') return nested;
  if (object !== null && rest !== null && rest !== step && Object.hasOwn(object, rest)) {
    return { kind: 'there', path: [...path, rest], value: object[rest] };
  }
  if (nested !== null) return nested;
  const keys = steps.map(({ step: key }) => key);
  return keys.every((key) => typeof key === 'string')
    ? { kind: 'missing', path, keys }
    : { kind: 'blocked', path, problem: `there is no ${step}: lists are not made` };
}
