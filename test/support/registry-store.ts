import type { Digest } from '../../src/core/image/digest.ts';
import { type Content, MEDIA_TYPES } from './manifests.ts';

/** One repository's content. */
interface Repository {
  readonly blobs: Map<string, Content>;
  readonly manifests: Map<string, Content>;
  readonly tags: Map<string, Digest>;
}

/** Everything that a test registry keeps, in memory. */
export class RegistryStore {
  readonly #repositories = new Map<string, Repository>();
  readonly #uploads = new Map<string, Buffer>();

  has(name: string): boolean {
    return this.#repositories.has(name);
  }

  addBlob(name: string, blob: Content): void {
    this.#repository(name).blobs.set(blob.digest, blob);
  }

  /** Keeps a manifest, under a tag unless that is null; the tag moves where it had another. */
  addManifest(name: string, tag: string | null, manifest: Content): void {
    this.#repository(name).manifests.set(manifest.digest, manifest);
    if (tag !== null) this.setTag(name, tag, manifest.digest);
  }

  setTag(name: string, tag: string, digest: Digest): void {
    if (this.findManifest(name, digest) === null) throw new Error(`${name} has no manifest ${digest}`);
    this.#repository(name).tags.set(tag, digest);
  }

  removeTag(name: string, tag: string): void {
    this.#repositories.get(name)?.tags.delete(tag);
  }

  /** Forgets a manifest and the tags that point to it. */
  removeManifest(name: string, digest: string): boolean {
    const repository = this.#repositories.get(name);
    if (repository === undefined) return false;
    for (const [tag, target] of repository.tags) if (target === digest) repository.tags.delete(tag);
    return repository.manifests.delete(digest);
  }

  /** A manifest by its tag or digest. */
  findManifest(name: string, reference: string): Content | null {
    const repository = this.#repositories.get(name);
    return repository?.manifests.get(repository.tags.get(reference) ?? reference) ?? null;
  }

  findBlob(name: string, digest: string): Content | null {
    return this.#repositories.get(name)?.blobs.get(digest) ?? null;
  }

  /** The tags in the order in which registries list them: that of their bytes. */
  tagsOf(name: string): readonly string[] {
    return [...(this.#repositories.get(name)?.tags.keys() ?? [])].toSorted((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
  }

  /** What a manifest names and this repository does not have. */
  missingParts(name: string, { body, mediaType }: Content): readonly string[] {
    const { config, layers = [], manifests = [] } = JSON.parse(body.toString()) as ManifestParts;
    const isIndex = mediaType === MEDIA_TYPES.oci.index || mediaType === MEDIA_TYPES.docker.index;
    const parts = isIndex ? manifests : [...(config === undefined ? [] : [config]), ...layers];
    return parts
      .map(({ digest }) => digest)
      .filter((digest) => (isIndex ? this.findManifest(name, digest) : this.findBlob(name, digest)) === null);
  }

  startUpload(): string {
    const id = crypto.randomUUID();
    this.#uploads.set(id, Buffer.alloc(0));
    return id;
  }

  /** Adds bytes to an upload. Returns all that came so far, or null where there is no such upload. */
  continueUpload(id: string, bytes: Buffer): Buffer | null {
    const before = this.#uploads.get(id);
    if (before === undefined) return null;
    const after = Buffer.concat([before, bytes]);
    this.#uploads.set(id, after);
    return after;
  }

  endUpload(id: string): void {
    this.#uploads.delete(id);
  }

  #repository(name: string): Repository {
    const known = this.#repositories.get(name);
    if (known !== undefined) return known;
    const made = { blobs: new Map(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(name, made);
    return made;
  }
}

interface ManifestParts {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
}
