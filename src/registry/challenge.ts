/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By lower-case name; of a name that comes twice the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Node reads at most 16 KiB of headers; a realm with its service and scope is a few hundred bytes. */
const LONGEST = 8192;

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
/** What stands between commas; a comma inside quotes does not count. */
const ELEMENT = new RegExp(`(?:[^",]|${QUOTED})+`, 'sy');
const PARAMETER = new RegExp(`^(?<name>${TOKEN})[ \\t]*=[ \\t]*(?:(?<token>${TOKEN})|(?<quoted>${QUOTED}))$`, 's');
const CHALLENGE = new RegExp(`^(?<scheme>${TOKEN})(?:[ \\t]+(?<rest>.+))?$`, 's');
const TOKEN68 = /^[\w.~+/-]+=*$/;

/**
 * Reads `WWW-Authenticate` as RFC 9110, 11.6.1 defines it: several challenges in one field or in several, each with a
 * token68 or with parameters, whose quoted strings may hold commas.
 *
 * @param fields the values of the field, one or more.
 * @returns the challenges, of each field up to the first thing that is not in the grammar.
 */
export function parseChallenges(fields: readonly string[]): readonly Challenge[] {
  return fields.flatMap((field) => (field.length > LONGEST ? [] : parseField(field)));
}

function parseField(field: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const element of splitList(field)) {
    const own = readParameter(element);
    const opening = own === null ? CHALLENGE.exec(element)?.groups : undefined;
    if (opening !== undefined) {
      challenges.push({ scheme: (opening['scheme'] ?? '').toLowerCase(), parameters: new Map() });
    }
    const current = challenges.at(-1);
    if (current === undefined || (own === null && opening === undefined)) break;
    const rest = opening?.['rest'];
    const parameter = own ?? (rest === undefined ? null : readParameter(rest));
    if (parameter !== null) {
      if (!current.parameters.has(parameter.name)) current.parameters.set(parameter.name, parameter.value);
    } else if (rest !== undefined && !TOKEN68.test(rest)) {
      challenges.pop();
      break;
    }
  }
  return challenges;
}

/** The elements of a comma list, empty ones left out, up to a quote that does not end. */
function splitList(field: string): readonly string[] {
  const elements: string[] = [];
  let at = 0;
  while (at < field.length) {
    ELEMENT.lastIndex = at;
    const element = ELEMENT.exec(field)?.[0] ?? '';
    at += element.length;
    if (at < field.length && field[at] !== ',') return elements;
    if (element.trim() !== '') elements.push(element.trim());
    at += 1;
  }
  return elements;
}

function readParameter(text: string): { name: string; value: string } | null {
  const groups = PARAMETER.exec(text)?.groups;
  if (groups === undefined) return null;
  const value = groups['token'] ?? (groups['quoted'] ?? '').slice(1, -1).replace(/\\(.)/gs, '$1');
  return { name: (groups['name'] ?? '').toLowerCase(), value };
}
