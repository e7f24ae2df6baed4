import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LegacySignature } from './signatures.ts';

/** A repository that anybody may write to, over plain HTTP: `HOST/REPOSITORY`. */
export interface PushTarget {
  readonly host: string;
  readonly repository: string;
}

/** What a manifest lists. */
interface Descriptor {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const EMPTY = 'application/vnd.oci.empty.v1+json';
const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';

/** Pushes any bytes as a blob. */
export async function pushBlob(target: PushTarget, content: Buffer, mediaType: string): Promise<Descriptor> {
  const digest = digestOf(content);
  const started = await fetch(`http://${target.host}/v2/${target.repository}/blobs/uploads/`, { method: 'POST' });
  assert.equal(started.status, 202, await started.text());
  const upload = new URL(started.headers.get('location') ?? '', `http://${target.host}`);
  upload.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const ended = await fetch(upload, { method: 'PUT', body: new Uint8Array(content), headers });
  assert.equal(ended.status, 201, await ended.text());
  return { mediaType, size: content.length, digest };
}

/** Pushes a manifest under a tag, or under its digest where that is null. */
export async function pushDocument(target: PushTarget, tag: string | null, document: object): Promise<Descriptor> {
  const content = Buffer.from(JSON.stringify(document));
  const mediaType = 'manifests' in document ? INDEX : MANIFEST;
  const digest = digestOf(content);
  const url = `http://${target.host}/v2/${target.repository}/manifests/${tag ?? digest}`;
  const headers = { 'content-type': mediaType };
  const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(content), headers });
  assert.equal(answer.status, 201, await answer.text());
  return { mediaType, size: content.length, digest };
}

/** Where an image, `HOST/REPOSITORY@DIGEST`, is kept. */
export function targetOf(image: string): PushTarget {
  const [, host = '', repository = ''] = /^([^/]+)\/([^@]+)@/.exec(image) ?? assert.fail(image);
  return { host, repository };
}

/** Reads `manifests/REFERENCE` or `blobs/DIGEST` as text. */
export async function fetchText({ host, repository }: PushTarget, path: string): Promise<string> {
  const headers = { accept: `${MANIFEST}, ${INDEX}` };
  const answer = await fetch(`http://${host}/v2/${repository}/${path}`, { headers });
  assert.equal(answer.status, 200, path);
  return await answer.text();
}

/** Puts legacy signatures where an image's are looked for. */
export async function pushLegacy(
  target: PushTarget,
  image: string,
  signatures: readonly LegacySignature[],
): Promise<void> {
  const config = await pushBlob(target, Buffer.from('{}'), 'application/vnd.oci.image.config.v1+json');
  const layers: Descriptor[] = [];
  for (const { payload, annotations } of signatures) {
    layers.push({ ...(await pushBlob(target, Buffer.from(payload), SIMPLE_SIGNING)), annotations });
  }
  const document = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
  await pushDocument(target, `${image.replace(':', '-')}.sig`, document);
}

/**
 * Puts bundles where an image's are looked for: as manifests that name it as their subject, and in the index of the tag that takes
 * the place of the referrers API.
 */
export async function pushBundles(
  target: PushTarget,
  image: { readonly digest: string; readonly mediaType: string; readonly size: number },
  bundles: readonly string[],
): Promise<void> {
  const config = await pushBlob(target, Buffer.from('{}'), EMPTY);
  const manifests: Descriptor[] = [];
  for (const bundle of bundles) {
    const layers = [await pushBlob(target, Buffer.from(bundle), BUNDLE)];
    const document = { schemaVersion: 2, mediaType: MANIFEST, artifactType: BUNDLE, config, layers, subject: image };
    manifests.push({ ...(await pushDocument(target, null, document)), artifactType: BUNDLE });
  }
  await pushDocument(target, image.digest.replace(':', '-'), { schemaVersion: 2, mediaType: INDEX, manifests });
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
