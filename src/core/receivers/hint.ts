import { parseReference } from '../image/reference.ts';

/**
 * That something was pushed, in canonical form. It is a hint and no more: it moves the next look forward, and the registry says
 * what there is. A payload's digest is in none.
 */
export interface RegistryHint {
  readonly registry: string;
  readonly repository: string;
  /** Null where the sender did not say, or said what is no tag: any tag of the repository. */
  readonly tag: string | null;
  /** `below`: this repository and every one under it, where a sender knows a project and not its images. */
  readonly covers: 'repository' | 'below';
}

/** What a sender has sent, once it is known to be who it is. */
export interface ReceivedPayload {
  /** The parsed body: anything may be in it. */
  readonly body: unknown;
  /** A header's value by its lower-case name; null where it is missing. */
  readonly header: (name: string) => string | null;
  /** The registry's hosts as users write them, where that was configured; else what the payload says holds. */
  readonly registries: readonly string[];
}

/** What a payload means. */
export type ReadPayload =
  /** None, where nothing was pushed: a deletion, a scan, a ping. */
  | { readonly kind: 'hints'; readonly hints: readonly RegistryHint[] }
  /** The sender asks whether it may send: the JSON to answer with. */
  | { readonly kind: 'handshake'; readonly answer: Readonly<Record<string, string>> }
  /** Nothing that this sender sends. One sentence, that repeats nothing of the payload. */
  | { readonly kind: 'refused'; readonly problem: string };

/** Reads the payloads of one sender. */
export type PayloadReader = (payload: ReceivedPayload) => ReadPayload;

/** A pushed image as a payload names it: parts may be anything. */
export interface PushedImage {
  /** The registry's host, or a URL of it, as the payload has it; null where it says nothing. */
  readonly registry: unknown;
  readonly repository: unknown;
  readonly tag: unknown;
  readonly covers?: RegistryHint['covers'];
}

/** No reference is longer, and an expression takes a while on a text of 1 MiB. */
const LONGEST = 1024;
/** A request of 1 MiB may name thousands; no push does. */
const MOST_HINTS = 100;
const TAG = /^\w[\w.-]{0,127}$/;
const HOST_WITH_URL = /^(?:https?:\/\/)?(?<host>[^/\s]+)\/?$/i;

/** The hints of what was pushed, each once; what is no image of a registry gives none. */
export function hintsOf(images: readonly PushedImage[], registries: readonly string[] = []): ReadPayload {
  const hints = new Map<string, RegistryHint>();
  for (const { registry, repository, tag, covers = 'repository' } of images) {
    for (const host of registries.length > 0 ? registries : [registry]) {
      const hint = hintOf(host, repository, tag, covers);
      if (hint !== null && hints.size < MOST_HINTS) hints.set(hintKey(hint), hint);
    }
  }
  return { kind: 'hints', hints: [...hints.values()] };
}

/** By which two hints are the same. */
export function hintKey({ registry, repository, tag, covers }: RegistryHint): string {
  return `${registry}/${repository}:${tag ?? ''}${covers === 'below' ? '/' : ''}`;
}

/** A whole reference, `host/repository[:tag][@digest]`, as pushed; null where the text is none. */
export function pushedReference(text: unknown): PushedImage | null {
  const parsed = isShort(text) ? parseReference(text) : null;
  if (parsed === null || !parsed.ok) return null;
  const { registry, repository, tag } = parsed.reference;
  return { registry, repository, tag };
}

/** A refusal. @param problem one sentence. */
export function refused(problem: string): ReadPayload {
  return { kind: 'refused', problem };
}

function hintOf(
  registry: unknown,
  repository: unknown,
  tag: unknown,
  covers: RegistryHint['covers'],
): RegistryHint | null {
  if (!isShort(registry) || !isShort(repository)) return null;
  const host = HOST_WITH_URL.exec(registry)?.groups?.['host'];
  // What the grammar would not take for a host would become a repository of Docker Hub.
  if (host === undefined || !(/[.:]/.test(host) || host === 'localhost')) return null;
  const path = repository.replaceAll(/^\/+|\/+$/g, '');
  if (/[:@]/.test(path)) return null;
  const parsed = parseReference(`${host}/${path}`);
  if (!parsed.ok) return null;
  return {
    registry: parsed.reference.registry,
    repository: parsed.reference.repository,
    tag: typeof tag === 'string' && TAG.test(tag) ? tag : null,
    covers,
  };
}

function isShort(text: unknown): text is string {
  return typeof text === 'string' && text.length <= LONGEST;
}
