import type { Keychain } from '../core/image/credentials.ts';
import { type Digest, shortDigest } from '../core/image/digest.ts';
import { byDigest, type ImageReference, withTag } from '../core/image/reference.ts';
import type { ResolutionFailureCode } from '../core/image/resolution.ts';
import { type ReadMaterial, readBundle, readLegacy, type SignatureMaterial } from './material.ts';

/** What is asked of a repository, by whom, and until when. */
export interface SourceQuestion {
  readonly reference: ImageReference;
  /** Credentials to try in order; without any is tried last. It must not reject. */
  readonly keychain: Keychain;
  readonly signal: AbortSignal;
}

/** Why a registry gave no answer: a code, and a sentence for people. */
export interface SourceFailure {
  readonly kind: 'failed';
  readonly code: ResolutionFailureCode;
  readonly message: string;
}

/** A manifest that refers to an image, as a list tells of it. */
export interface ListedReferrer {
  readonly digest: Digest;
  /** Null where the list does not say. */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A blob of a manifest that is no image to be run. */
export interface SourceLayer {
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes, as the manifest says; null where it does not. */
  readonly size: number | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Where signatures are read from. None rejects but for programming errors. */
export interface SignatureSources {
  /** What of this type refers to the reference's digest: by the referrers API, or the index under its fallback tag. */
  readonly listReferrers: (
    question: SourceQuestion & { readonly artifactType: string },
  ) => Promise<
    { readonly kind: 'listed'; readonly referrers: readonly ListedReferrer[]; readonly isCut: boolean } | SourceFailure
  >;
  /** The manifest under the reference's digest, or else its tag; `NotFound` where there is none. */
  readonly readArtifact: (question: SourceQuestion & { readonly maximumBytes: number }) => Promise<
    | {
        readonly kind: 'read';
        readonly artifactType: string | null;
        readonly layers: readonly SourceLayer[];
        readonly isCut: boolean;
      }
    | SourceFailure
  >;
  readonly readBlob: (
    question: SourceQuestion & { readonly digest: Digest; readonly maximumBytes: number },
  ) => Promise<{ readonly kind: 'read'; readonly bytes: Buffer } | SourceFailure>;
}

/** Something that was met in looking for signatures. */
export type Discovered =
  | { readonly kind: 'signature'; readonly place: string; readonly material: SignatureMaterial }
  /** What is there, and is no signature that could be judged; why, half a sentence. */
  | {
      readonly kind: 'unreadable';
      readonly format: SignatureMaterial['format'];
      readonly place: string;
      readonly reason: string;
    }
  /** What is there too, and says itself that it is no signature. */
  | { readonly kind: 'attestations'; readonly count: number }
  /** There are more than are looked at. */
  | { readonly kind: 'cut'; readonly format: SignatureMaterial['format']; readonly lookedAt: number }
  | SourceFailure;

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle[.+]/;
const LEGACY_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
/** What cosign notes of a bundle on its manifest. Who lies there only hides what he made himself. */
const PREDICATE = 'dev.sigstore.bundle.predicateType';
const SIGNATURE_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

/** Bundles and payloads, and the manifests of bundles, are a few kilobytes. Many are read at once, and whoever may push makes them. */
const LARGEST = 256 * 1024;
/** Legacy signatures carry their certificates in the manifest, some ten kilobytes each. */
const LARGEST_LEGACY = 1024 * 1024;
const MOST_LOOKED_AT = 50;
/** As many as one host is asked at once. */
const AT_ONCE = 8;

/** The digests of other failures are the registry's own trouble, and may be over in a moment. */
const NOT_THERE: ReadonlySet<ResolutionFailureCode> = new Set(['NotFound', 'InvalidResponse', 'NotAllowed']);

/** The tag that legacy signatures are kept under (cosign, `SIGNATURE_SPEC.md`): `sha256-HEX.sig`. */
export function legacyTag(digest: Digest): string {
  return `${digest.replace(':', '-')}.sig`;
}

/**
 * Finds the bundles that refer to a digest, a few at a time: who has seen enough reads no further. Attestations, which are bundles
 * too, are counted and not read where their manifests say what they are.
 *
 * @param question its reference has a digest.
 */
export async function* discoverBundles(
  sources: SignatureSources,
  question: SourceQuestion,
): AsyncGenerator<Discovered> {
  const listed = await sources.listReferrers({ ...question, artifactType: BUNDLE_TYPE });
  if (listed.kind === 'failed') {
    yield listed;
    return;
  }
  const signatures = listed.referrers.filter(
    (one) => (one.annotations[PREDICATE] ?? SIGNATURE_PREDICATE) === SIGNATURE_PREDICATE,
  );
  const attestations = listed.referrers.length - signatures.length;
  if (attestations > 0) yield { kind: 'attestations', count: attestations };
  // Those that say that they are signatures first.
  const ordered = signatures.toSorted((one, other) => rank(one) - rank(other));
  const wanted = ordered.slice(0, MOST_LOOKED_AT);
  yield* inBatches(wanted, (referrer) => readReferrer(sources, question, referrer));
  if (listed.isCut || wanted.length < ordered.length) yield { kind: 'cut', format: 'bundle', lookedAt: wanted.length };
}

function rank({ annotations, artifactType }: ListedReferrer): number {
  return Number(annotations[PREDICATE] === undefined) + Number(artifactType === null);
}

async function readReferrer(
  sources: SignatureSources,
  question: SourceQuestion,
  { digest, artifactType }: ListedReferrer,
): Promise<Discovered | null> {
  const place = shortDigest(digest);
  const reference = byDigest(question.reference, digest);
  const manifest = await sources.readArtifact({ ...question, reference, maximumBytes: LARGEST });
  if (manifest.kind === 'failed') return told('bundle', place, manifest);
  const layer = manifest.layers.find(({ mediaType }) => BUNDLE.test(mediaType));
  if (layer === undefined) {
    // It was only looked into because the list did not say what it is.
    const isOther = artifactType === null && !BUNDLE.test(manifest.artifactType ?? '');
    return isOther ? null : unreadable('bundle', place, 'its manifest has no bundle');
  }
  return await readLayer(sources, { ...question, reference }, { layer, place, format: 'bundle' });
}

/** Finds the legacy signatures of a digest: the layers of the manifest under its tag. */
export async function* discoverLegacy(sources: SignatureSources, question: SourceQuestion): AsyncGenerator<Discovered> {
  const { digest } = question.reference;
  if (digest === null) throw new Error('only a digest is signed');
  const reference = withTag(question.reference, legacyTag(digest));
  const manifest = await sources.readArtifact({ ...question, reference, maximumBytes: LARGEST_LEGACY });
  if (manifest.kind === 'failed') {
    if (manifest.code !== 'NotFound') yield told('legacy', '.sig', manifest);
    return;
  }
  const wanted = manifest.layers.slice(0, MOST_LOOKED_AT);
  yield* inBatches(wanted, async (layer) => {
    const place = `.sig ${shortDigest(layer.digest)}`;
    if (layer.mediaType !== LEGACY_TYPE) return unreadable('legacy', place, 'its layer is no signature');
    return await readLayer(sources, { ...question, reference }, { layer, place, format: 'legacy' });
  });
  if (manifest.isCut || wanted.length < manifest.layers.length) {
    yield { kind: 'cut', format: 'legacy', lookedAt: wanted.length };
  }
}

async function readLayer(
  sources: SignatureSources,
  question: SourceQuestion,
  where: { readonly layer: SourceLayer; readonly place: string; readonly format: SignatureMaterial['format'] },
): Promise<Discovered> {
  const { layer, place, format } = where;
  const { digest, size } = layer;
  if (size !== null && size > LARGEST) return unreadable(format, place, `it has ${size} bytes, more than are read`);
  const blob = await sources.readBlob({ ...question, digest, maximumBytes: LARGEST });
  if (blob.kind === 'failed') return told(format, place, blob);
  const read: ReadMaterial = format === 'bundle' ? readBundle(blob.bytes) : readLegacy(layer.annotations, blob.bytes);
  return read.ok ? { kind: 'signature', place, material: read.material } : unreadable(format, place, read.problem);
}

async function* inBatches<One>(
  all: readonly One[],
  read: (one: One) => Promise<Discovered | null>,
): AsyncGenerator<Discovered> {
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const batch = await Promise.all(all.slice(at, at + AT_ONCE).map(read));
    yield* batch.filter((one) => one !== null);
  }
}

function told(format: SignatureMaterial['format'], place: string, failure: SourceFailure): Discovered {
  return NOT_THERE.has(failure.code) ? unreadable(format, place, failure.message) : failure;
}

function unreadable(format: SignatureMaterial['format'], place: string, reason: string): Discovered {
  return { kind: 'unreadable', format, place, reason };
}
