import { parseDuration } from '../core/duration.ts';
import type { ListenAddress } from '../platform/listen.ts';
import { LOG_LEVELS, type LogLevel } from '../platform/log.ts';

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

/** The settings of `tagpin webhook`, in the order of its help. */
export const WEBHOOK_SETTINGS = [
  {
    name: 'listen',
    value: 'address',
    help: 'where admission is served, over HTTPS; port 0 takes a free one',
    default: '0.0.0.0:8443',
  },
  {
    name: 'operations-listen',
    value: 'address',
    help: 'where /healthz, /readyz and /metrics are served, over plain HTTP',
    default: '0.0.0.0:8080',
  },
  { name: 'standalone', value: null, help: 'run without a cluster, from the files below', default: null },
  { name: 'policy', value: 'file', help: 'the policy; a change holds within a second', default: null },
  {
    name: 'certificate',
    value: 'file',
    help: 'the serving certificate, PEM; read again when it changes',
    default: null,
  },
  { name: 'key', value: 'file', help: 'its key, PEM', default: null },
  {
    name: 'certificates',
    value: 'source',
    help: 'where the serving certificate comes from: self, cert-manager or files',
    default: null,
  },
  {
    name: 'client-ca',
    value: 'file',
    help: 'authorities, PEM: serve only clients with a certificate of theirs',
    default: null,
  },
  {
    name: 'drain',
    value: 'duration',
    help: 'how long to serve on after SIGTERM, until nobody sends requests here any more',
    default: '10s',
  },
  { name: 'log-level', value: 'level', help: LOG_LEVELS.join(', '), default: 'info' },
] as const satisfies readonly Setting[];

type Name = (typeof WEBHOOK_SETTINGS)[number]['name'];

const CERTIFICATE_SOURCES = ['self', 'cert-manager', 'files'] as const;
type CertificateSource = (typeof CERTIFICATE_SOURCES)[number];

/** What `tagpin webhook` runs with. */
export interface WebhookConfiguration {
  readonly listen: ListenAddress;
  readonly operationsListen: ListenAddress;
  /** Null in a cluster. */
  readonly standalone: StandaloneFiles | null;
  readonly certificates: CertificateSource;
  readonly clientAuthority: string | null;
  readonly drainMilliseconds: number;
  readonly logLevel: LogLevel;
}

/** The files that a webhook without a cluster runs from. */
export interface StandaloneFiles {
  readonly policy: string;
  readonly certificate: string;
  readonly key: string;
}

export type ParsedConfiguration =
  | { readonly ok: true; readonly configuration: WebhookConfiguration }
  | { readonly ok: false; readonly problems: readonly string[] };

const FILES: readonly Name[] = ['policy', 'certificate', 'key'];
const LONGEST_DRAIN = 10 * 60_000;

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return `TAGPIN_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Reads the configuration of `tagpin webhook`. A flag beats its variable, which beats the default.
 *
 * @param flags what was given on the command line, by setting; true for a switch.
 * @returns the configuration, frozen, or everything that is wrong with it, each problem with the name it was given by.
 */
export function readWebhookConfiguration(
  flags: Readonly<Record<string, string | true | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
): ParsedConfiguration {
  const problems: string[] = [];
  const source = new Source(flags, environment, problems);

  const listen = source.read('listen', parseAddress);
  const operationsListen = source.read('operations-listen', parseAddress);
  const isStandalone = source.read('standalone', parseSwitch) === true;
  const files = {
    policy: source.read('policy', parseFile),
    certificate: source.read('certificate', parseFile),
    key: source.read('key', parseFile),
  };
  const certificates = source.read('certificates', oneOf(CERTIFICATE_SOURCES));
  const clientAuthority = source.read('client-ca', parseFile);
  const drainMilliseconds = source.read('drain', parseDrain);
  const logLevel = source.read('log-level', oneOf(LOG_LEVELS));

  if (isStandalone) {
    const missing = FILES.filter((name) => source.isMissing(name)).map((name) => `--${name} FILE`);
    if (missing.length > 0) problems.push(`--standalone needs ${missing.join(', ')}`);
    if (certificates !== null && certificates !== 'files') {
      problems.push(
        `${source.nameOf('certificates')}: --standalone serves the certificate of --certificate: say files`,
      );
    }
  } else {
    const given = FILES.filter((name) => !source.isMissing(name)).map((name) => source.nameOf(name));
    const [first] = given;
    if (first !== undefined) problems.push(`${given.join(', ')}: only together with --standalone`);
  }
  if (listen !== null && operationsListen !== null && listen.port !== 0 && sameAddress(listen, operationsListen)) {
    problems.push(`${source.nameOf('operations-listen')}: the same address as --listen`);
  }
  const { policy, certificate, key } = files;
  const standalone = policy !== null && certificate !== null && key !== null ? { policy, certificate, key } : null;
  const isWhole = listen !== null && operationsListen !== null && drainMilliseconds !== null && logLevel !== null;
  if (problems.length > 0 || !isWhole) return { ok: false, problems };
  const configuration = Object.freeze({
    listen,
    operationsListen,
    standalone: isStandalone ? standalone : null,
    certificates: certificates ?? (isStandalone ? 'files' : 'self'),
    clientAuthority,
    drainMilliseconds,
    logLevel,
  });
  return { ok: true, configuration };
}

/** A value, or what is wrong with it: half a sentence. */
type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** Flags and environment as one. */
class Source {
  readonly #flags: Readonly<Record<string, string | true | undefined>>;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #problems: string[];

  constructor(
    flags: Readonly<Record<string, string | true | undefined>>,
    environment: Readonly<Record<string, string | undefined>>,
    problems: string[],
  ) {
    this.#flags = flags;
    this.#environment = environment;
    this.#problems = problems;
  }

  /** The value of a setting; null where there is none, or none that is right, which is told then. */
  read<T>(name: Name, parse: (text: string) => Parsed<T>): T | null {
    const text = this.#text(name) ?? WEBHOOK_SETTINGS.find((setting) => setting.name === name)?.default ?? null;
    if (text === null) return null;
    const parsed: Parsed<T> = text === '' ? { problem: 'it is empty: give it a value, or leave it away' } : parse(text);
    if ('value' in parsed) return parsed.value;
    this.#problems.push(`${this.nameOf(name)}${text === '' ? '' : ` ${JSON.stringify(text)}`}: ${parsed.problem}`);
    return null;
  }

  isMissing(name: Name): boolean {
    return this.#text(name) === null;
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

function parseAddress(text: string): Parsed<ListenAddress> {
  const parts = /^(?:\[(?<v6>[0-9a-f:.%]+)\]|(?<host>[^:[\]/\s]*)):(?<port>\d{1,5})$/i.exec(text)?.groups;
  const port = Number(parts?.['port']);
  if (parts === undefined || port > 65_535) {
    return { problem: 'not an address and a port, such as 0.0.0.0:8443, [::1]:8443 or localhost:0' };
  }
  return { value: Object.freeze({ host: parts['v6'] ?? (parts['host'] || '0.0.0.0'), port }) };
}

function parseSwitch(text: string): Parsed<boolean> {
  return text === 'true' || text === 'false' ? { value: text === 'true' } : { problem: 'not true or false' };
}

function parseFile(text: string): Parsed<string> {
  return text === '-' ? { problem: 'a file is needed: it is read again when it changes' } : { value: text };
}

function parseDrain(text: string): Parsed<number> {
  const milliseconds = parseDuration(text);
  if (milliseconds === null) return { problem: 'not a duration, such as 10s' };
  if (milliseconds < 0 || milliseconds > LONGEST_DRAIN) return { problem: 'not between 0s and 10m' };
  return { value: milliseconds };
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => Parsed<T> {
  return (text) => {
    const value = values.find((each) => each === text);
    return value === undefined ? { problem: `not one of ${values.join(', ')}` } : { value };
  };
}

function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
