import { coversRepository, type DockerKey, parseDockerKey } from './docker-key.ts';
import type { ImageReference } from './reference.ts';

/**
 * What a registry may be shown: a user and a password, an OAuth2 refresh token for its token service (`identitytoken`), or
 * a ready bearer token for the registry itself (`registrytoken`).
 */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** The credentials that fit a reference, in the order in which to try them; none means anonymous. */
export type Keychain = (reference: ImageReference) => Promise<readonly Credential[]>;

/** A Docker configuration: who may be shown what, and which programs know more. */
export interface DockerConfig {
  /** In the order in which the kubelet tries them: of two keys that fit, the more special one first. */
  readonly entries: readonly DockerConfigEntry[];
  /** `credHelpers`: the names of credential helpers by canonical host. */
  readonly helpers: ReadonlyMap<string, string>;
  /** `credsStore`: the credential helper for all hosts without one of their own; null where there is none. */
  readonly store: string | null;
  /** Why keys were left out, a sentence each. No secrets. */
  readonly ignored: readonly string[];
}

/** One of its keys, with what it is for. */
export interface DockerConfigEntry {
  readonly key: DockerKey;
  readonly credential: Credential;
}

export type ParsedDockerConfig =
  | { readonly ok: true; readonly config: DockerConfig }
  /** One sentence. Never a part of the text that could be a secret. */
  | { readonly ok: false; readonly problem: string };

/** A Secret holds no more than 1 MiB. */
const LARGEST = 1024 * 1024;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** What a header can hold. */
const TOKEN = /^[\x21-\x7e]+$/;
/** The user under which Docker keeps a refresh token as the password. */
const TOKEN_USER = '<token>';

/**
 * Reads a Docker configuration: `config.json`, which is also what a Secret of the type `kubernetes.io/dockerconfigjson`
 * holds, or the older `.dockercfg`, which is the content of `auths` alone. A key that can't be used is left out; anything
 * else that is wrong is a problem of the whole, as for Docker and the kubelet.
 */
export function parseDockerConfig(text: string): ParsedDockerConfig {
  if (text.length > LARGEST) return bad('it is larger than 1 MiB');
  const fields = parseObject(text);
  if (fields === null) return bad('it is not a JSON object');
  const auths = fields['auths'] ?? (isNewShape(fields) ? {} : fields);
  if (!isObject(auths)) return bad('auths is not an object');

  const entries: DockerConfigEntry[] = [];
  const ignored: string[] = [];
  for (const [name, fieldsOfEntry] of Object.entries(auths)) {
    const parsed = parseDockerKey(name);
    if (!parsed.ok) {
      ignored.push(`a key of auths ${parsed.problem}, and is left out: ${printableKey(name)}`);
      continue;
    }
    const credential = readCredential(isObject(fieldsOfEntry) ? fieldsOfEntry : {});
    if (typeof credential === 'string') return bad(`the entry of ${parsed.key.text} ${credential}`);
    if (credential !== null) entries.push({ key: parsed.key, credential });
  }
  const { credsStore: store } = fields;
  const helpers = readHelpers(fields['credHelpers']);
  return { ok: true, config: { entries: inOrder(entries), helpers, store: isText(store) ? store : null, ignored } };
}

/**
 * The entries of several configurations as one, in the order in which the kubelet tries those of several pull secrets: of two
 * keys the more special one first, wherever it stands; of two that are equal that of the first configuration.
 */
export function mergeEntries(configs: readonly Pick<DockerConfig, 'entries'>[]): readonly DockerConfigEntry[] {
  return inOrder(configs.flatMap(({ entries }) => entries));
}

/** The credentials for a reference, as the kubelet finds them: every key that covers it, the most special first. */
export function matchCredentials(
  config: Pick<DockerConfig, 'entries'>,
  reference: ImageReference,
): readonly Credential[] {
  return config.entries
    .filter(({ key }) => coversRepository(key, reference.registry, reference.repository))
    .map(({ credential }) => credential);
}

/**
 * What a user and a password of a Docker configuration or of a credential helper mean: under the user `<token>` the password
 * is a refresh token. Null where there are none, or a token that no header can hold.
 */
export function credentialOf(username: string, password: string): Credential | null {
  if (username === TOKEN_USER) return TOKEN.test(password) ? { kind: 'identity', token: password } : null;
  return username === '' ? null : { kind: 'basic', username, password };
}

function inOrder(entries: readonly DockerConfigEntry[]): readonly DockerConfigEntry[] {
  return entries.toSorted((one, other) => (one.key.text < other.key.text ? 1 : one.key.text > other.key.text ? -1 : 0));
}

type Fields = Readonly<Record<string, unknown>>;

/** A credential, null where there is none, or what is wrong with the entry. */
function readCredential(fields: Fields): Credential | null | string {
  const { auth, username, password, identitytoken, registrytoken } = fields;
  for (const [kind, token] of [
    ['bearer', registrytoken],
    ['identity', identitytoken],
  ] as const) {
    if (!isText(token)) continue;
    return TOKEN.test(token) ? { kind, token } : 'has a token with characters that no header can hold';
  }
  if (isText(auth)) {
    const decoded = decodeBase64(auth.trim());
    const colon = decoded?.indexOf(':') ?? -1;
    if (decoded === null || colon === -1) return 'has an auth that is not the Base64 of USER:PASSWORD';
    // Old versions of Docker filled the password up with zero bytes.
    return credentialOf(decoded.slice(0, colon), decoded.slice(colon + 1).replace(/^\0+|\0+$/g, ''));
  }
  return isText(username) && typeof password === 'string' ? credentialOf(username, password) : null;
}

function readHelpers(value: unknown): ReadonlyMap<string, string> {
  const helpers = new Map<string, string>();
  for (const [name, helper] of isObject(value) ? Object.entries(value) : []) {
    const parsed = parseDockerKey(name);
    const isHost = parsed.ok && parsed.key.path === '' && !name.includes('*');
    if (isHost && isText(helper)) helpers.set(parsed.key.text, helper);
  }
  return helpers;
}

/** The older shape has only hosts at its top, with objects. */
function isNewShape(fields: Fields): boolean {
  return ['credsStore', 'credHelpers', 'HttpHeaders', 'proxies', 'plugins', 'currentContext'].some(
    (name) => name in fields,
  );
}

function decodeBase64(text: string): string | null {
  if (!BASE64.test(text) || text.replace(/=+$/, '').length % 4 === 1) return null;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null; // The error would quote the text.
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Keys are hosts, and can be shown; in a URL with a user there would be a password. */
function printableKey(name: string): string {
  return /^[\w.*:/[\]-]{1,255}$/.test(name) ? name : '(not shown)';
}

function bad(problem: string): ParsedDockerConfig {
  return { ok: false, problem };
}
