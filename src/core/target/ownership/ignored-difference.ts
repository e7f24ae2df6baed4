import { asString, elements, property } from '../../workload/json.ts';

/** A step of a path: a name, or any element of a list. */
type Step = string | typeof ANY;
const ANY = Symbol('any element');

/**
 * Do `jsonPointers` or `jqPathExpressions` of an entry of `ignoreDifferences` or `ignoreApplicationDifferences` reach a list of an
 * Application, something round it, or something in it? Of jq what paths are made of is read: names, indices and a `select` between.
 *
 * @param path from the object's root.
 */
export function coversPointer(entry: unknown, path: readonly string[]): boolean {
  const pointers = elements(property(entry, 'jsonPointers')).map((each) => pointerSteps(asString(each) ?? ''));
  const expressions = elements(property(entry, 'jqPathExpressions')).map((each) => jqSteps(asString(each) ?? ''));
  return [...pointers, ...expressions].some((steps) => steps.length > 0 && meets(steps, path));
}

function meets(steps: readonly Step[], path: readonly string[]): boolean {
  return steps
    .slice(0, path.length)
    .every((step, at) => (step === ANY ? /^\d+$/.test(path[at] ?? '') : step === path[at]));
}

function pointerSteps(pointer: string): readonly Step[] {
  if (!pointer.startsWith('/')) return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const JQ_STEP = /^(?:\.(?<name>[A-Za-z_]\w*)|\.?"(?<quoted>[^"]*)"|\.?\["(?<keyed>[^"]*)"\]|\.?\[(?<index>\d*)\])\??/;
const JQ_SELECT = /^\s*\|\s*(?:select\([^()]*(?:\([^()]*\)[^()]*)*\)(?:\s*\|\s*(?=\.))?|(?=\.))/;

/** `.spec.sources[] | select(.name == "web").helm.parameters`; none where there is more to it. */
function jqSteps(expression: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = expression.trim();
  while (rest !== '') {
    const select = JQ_SELECT.exec(rest);
    const step = JQ_STEP.exec(rest);
    if (step?.groups !== undefined) {
      const { name, quoted, keyed, index } = step.groups;
      const key = name ?? quoted ?? keyed;
      steps.push(key ?? (index === undefined || index === '' ? ANY : index));
    } else if (select === null) return [];
    rest = rest.slice((step ?? select)?.[0].length ?? rest.length);
  }
  return steps;
}
