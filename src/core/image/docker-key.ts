import { compileHostGlob, parseHostGlob } from '../policy/host.ts';

/** Where the credentials of one key of a Docker configuration may go. */
export interface DockerKey {
  /** The key in canonical form, `host[:port][/path]`, by which keys are ordered. */
  readonly text: string;
  /** Says whether a registry in canonical form is meant. */
  readonly matchesHost: (registry: string) => boolean;
  /** Empty, or how a repository's path must begin, with its `/`. */
  readonly path: string;
}

/** A key, or why it is refused; the reason does not repeat the key. */
export type ParsedDockerKey =
  | { readonly ok: true; readonly key: DockerKey }
  | { readonly ok: false; readonly problem: string };

/** A host with an optional path, after an optional scheme. */
const KEY = /^(?:https?:\/\/)?(?<host>[^/?#@\s]+)(?<path>\/[^?#\s]*)?$/i;
/** Second-level labels below which anybody in a country gets a name, as in `co.uk`. */
const SHARED_LABEL = /^(?:ac|co|com|edu|go|gob|gov|gv|ne|net|nom|or|org|sch)$/;

/**
 * Reads a key of a Docker configuration as the kubelet does: `https://index.docker.io/v1/`, `host`, `host:port`, `host/path`,
 * `*.example.com`. Unlike the kubelet it refuses wildcards that reach over hosts of different owners (`*`, `*.com`, `*.co.uk`):
 * whoever names an image could have the credentials sent to a host of their own.
 */
export function parseDockerKey(text: string): ParsedDockerKey {
  const { host: written = '', path = '' } = KEY.exec(text)?.groups ?? {};
  const parsed = parseHostGlob(written);
  if (!parsed.ok) return { ok: false, problem: 'is not a host with an optional port and path' };
  const { host } = parsed;
  if (reachesOverOwners(host)) return { ok: false, problem: 'has a wildcard that covers the hosts of others' };
  // Docker writes the version of its interface into some keys, and means the host.
  const below = path.replace(/^\/v[12](?=\/)/, '').replace(/^\/$/, '');
  return { ok: true, key: { text: `${host}${below}`, matchesHost: compileHostGlob(host), path: below } };
}

/**
 * Says whether a key covers a repository: the host label by label, the port equal, the path a beginning of the repository's,
 * not necessarily at a `/`. So the kubelet compares (`URLsMatch` in its `pkg/credentialprovider/keyring.go`).
 *
 * @param registry in canonical form.
 */
export function coversRepository(key: DockerKey, registry: string, repository: string): boolean {
  return key.matchesHost(registry) && `/${repository}`.startsWith(key.path);
}

function reachesOverOwners(host: string): boolean {
  if (!host.includes('*')) return false;
  const labels = host.replace(/:[0-9]+$/, '').split('.');
  const [top = '', second = ''] = labels.toReversed();
  const owner = labels.slice(top.length === 2 && SHARED_LABEL.test(second) ? -3 : -2);
  return labels.length < 3 || owner.some((label) => label.includes('*'));
}
