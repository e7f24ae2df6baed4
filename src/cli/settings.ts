import { isIP } from 'node:net';
import { parseDuration } from '../core/duration.ts';
import type { ListenAddress } from '../platform/network/listen.ts';

/** One setting of a long-running command: a flag, and an environment variable that the flag beats. */
export interface Setting {
  /** `operations-listen`, for `--operations-listen` and `TAGPIN_OPERATIONS_LISTEN`. */
  readonly name: string;
  /** What its value is called in the help; null for a switch. */
  readonly value: string | null;
  readonly help: string;
  /** What holds where neither is given; null for nothing. */
  readonly default: string | null;
}

/** What was given on the command line, by setting; true for a switch. */
export type Flags = Readonly<Record<string, string | true | undefined>>;

/** A value, or what is wrong with it: half a sentence. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return `TAGPIN_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** Flags and environment as one: a flag beats its variable, which beats the default. Gathers what is wrong with them. */
export class SettingSource<Name extends string> {
  readonly problems: string[] = [];
  readonly #settings: readonly (Setting & { readonly name: Name })[];
  readonly #flags: Flags;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  constructor(
    settings: readonly (Setting & { readonly name: Name })[],
    flags: Flags,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#settings = settings;
    this.#flags = flags;
    this.#environment = environment;
  }

  /** The value of a setting; null where there is none, or none that is right, which is told then. */
  read<T>(name: Name, parse: (text: string) => Parsed<T>): T | null {
    const text = this.#text(name) ?? this.#settings.find((setting) => setting.name === name)?.default ?? null;
    if (text === null) return null;
    const parsed: Parsed<T> = text === '' ? { problem: 'it is empty: give it a value, or leave it away' } : parse(text);
    if ('value' in parsed) return parsed.value;
    this.problems.push(`${this.nameOf(name)}${text === '' ? '' : ` ${JSON.stringify(text)}`}: ${parsed.problem}`);
    return null;
  }

  isMissing(name: Name): boolean {
    return this.#text(name) === null;
  }

  /** Refuses what is given though it has no meaning here: all in one problem. */
  refuse(names: readonly Name[], problem: string): void {
    const given = names.filter((name) => !this.isMissing(name)).map((name) => this.nameOf(name));
    if (given.length > 0) this.problems.push(`${given.join(', ')}: ${problem}`);
  }

  /** As whoever gave it wrote it. */
  nameOf(name: Name): string {
    return this.#flags[name] === undefined && this.#environment[variableOf(name)] !== undefined
      ? variableOf(name)
      : `--${name}`;
  }

  #text(name: Name): string | null {
    const flag = this.#flags[name];
    return (flag === true ? 'true' : flag) ?? this.#environment[variableOf(name)] ?? null;
  }
}

const LONGEST_DRAIN = 10 * 60_000;
/** A label of a host's name, which is also what namespaces and Services are called. */
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const LONGEST_NAME = 253;

/** `HOST:PORT`, `[IPv6]:PORT` or `:PORT`. */
export function parseAddress(text: string): Parsed<ListenAddress> {
  const parts = /^(?:\[(?<v6>[0-9a-f:.%]+)\]|(?<host>[^:[\]/\s]*)):(?<port>\d{1,5})$/i.exec(text)?.groups;
  const port = Number(parts?.['port']);
  if (parts === undefined || port > 65_535) {
    return { problem: 'not an address and a port, such as 0.0.0.0:8443, [::1]:8443 or localhost:0' };
  }
  return { value: Object.freeze({ host: parts['v6'] ?? (parts['host'] || '0.0.0.0'), port }) };
}

/** `true` or `false`. */
export function parseSwitch(text: string): Parsed<boolean> {
  return text === 'true' || text === 'false' ? { value: text === 'true' } : { problem: 'not true or false' };
}

/** The path of a file, not standard input. */
export function parseFile(text: string): Parsed<string> {
  return text === '-' ? { problem: 'a file is needed: it is read again when it changes' } : { value: text };
}

/** How long a server serves on after it was asked to end; in milliseconds. */
export function parseDrain(text: string): Parsed<number> {
  const milliseconds = parseDuration(text);
  if (milliseconds === null) return { problem: 'not a duration, such as 10s' };
  if (milliseconds < 0 || milliseconds > LONGEST_DRAIN) return { problem: 'not between 0s and 10m' };
  return { value: milliseconds };
}

/** The name of a namespace or of a Service (RFC 1123 label). */
export function parseLabelName(text: string): Parsed<string> {
  return LABEL.test(text) ? { value: text } : { problem: 'not a name of lower case letters, digits and -' };
}

/** The name of any other object (RFC 1123 subdomain). */
export function parseObjectName(text: string): Parsed<string> {
  return isHostName(text) ? { value: text } : { problem: 'not a name of lower case letters, digits, - and .' };
}

/** Names and addresses that a certificate can hold, with commas between them. */
export function parseHosts(text: string): Parsed<readonly string[]> {
  const hosts = text.split(',').map((each) => each.trim());
  const bad = hosts.find((host) => isIP(host) === 0 && !isHostName(host));
  return bad === undefined
    ? { value: Object.freeze([...new Set(hosts)]) }
    : { problem: `${JSON.stringify(bad)} is neither a host name nor an address` };
}

/** One of several words. */
export function oneOf<T extends string>(values: readonly T[]): (text: string) => Parsed<T> {
  return (text) => {
    const value = values.find((each) => each === text);
    return value === undefined ? { problem: `not one of ${values.join(', ')}` } : { value };
  };
}

function isHostName(text: string): boolean {
  return text.length <= LONGEST_NAME && text.split('.').every((label) => LABEL.test(label));
}
