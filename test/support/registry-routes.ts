import { parseDigest } from '../../src/core/image/digest.ts';
import type { Answer } from './faults.ts';
import { type Content, contentOf, digestOf, MEDIA_TYPES } from './manifests.ts';
import type { RegistryStore } from './registry-store.ts';

/** A request to the registry itself, read whole. */
export interface RegistryQuestion {
  readonly method: string;
  readonly url: URL;
  readonly accept: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Which repository a path is about and what the method does to it, as token scopes name it; null for no repository. */
export interface Access {
  readonly repository: string;
  readonly action: 'pull' | 'push' | 'delete';
}

const NAME = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*';
const ROUTE = new RegExp(
  `^/v2/(?<name>${NAME})/(?:(?<tags>tags/list)|manifests/(?<reference>[^/]+)|blobs/(?<digest>[a-z0-9]+:[^/]+)|blobs/uploads/(?<upload>[0-9a-f-]*))$`,
);
const JSON_TYPE = 'application/json';
const DEFAULT_PAGE = 100;

/** Which access a request needs; null where it needs only to be signed in. */
export function accessOf(method: string, path: string): Access | null {
  const repository = ROUTE.exec(path)?.groups?.['name'];
  if (repository === undefined) return null;
  return {
    repository,
    action: method === 'GET' || method === 'HEAD' ? 'pull' : method === 'DELETE' ? 'delete' : 'push',
  };
}

/** An error as registries word it (distribution-spec, "Error Codes"). */
export function errorAnswer(status: number, code: string, headers: Answer['headers'] = {}): Answer {
  return json(status, { errors: [{ code, message: code.toLowerCase().replaceAll('_', ' '), detail: null }] }, headers);
}

/**
 * Answers a request as CNCF distribution does (OCI distribution-spec v1.1), also where clients ask for media types that
 * do not fit: an OCI manifest is then not found, and of a Docker manifest list comes the image for linux/amd64.
 */
export function answerQuestion(store: RegistryStore, question: RegistryQuestion): Answer {
  const { method, url } = question;
  if (url.pathname === '/v2/' || url.pathname === '/v2') return json(200, {});
  const groups = ROUTE.exec(url.pathname)?.groups;
  const name = groups?.['name'];
  if (groups === undefined || name === undefined) return errorAnswer(404, 'NOT_FOUND');
  const { tags, reference, digest, upload } = groups;
  const isRead = method === 'GET' || method === 'HEAD';
  if (tags !== undefined && method === 'GET') return listTags(store, name, url);
  if (reference !== undefined && isRead) return readManifest(store, name, reference, question.accept);
  if (reference !== undefined && method === 'PUT') return writeManifest(store, name, reference, question);
  if (reference !== undefined && method === 'DELETE') {
    return store.removeManifest(name, reference) ? empty(202) : errorAnswer(404, 'MANIFEST_UNKNOWN');
  }
  if (digest !== undefined && isRead) {
    const blob = store.findBlob(name, digest);
    return blob === null ? errorAnswer(404, 'BLOB_UNKNOWN') : found({ ...blob, mediaType: 'application/octet-stream' });
  }
  if (upload !== undefined) return writeBlob(store, name, upload, question);
  return errorAnswer(405, 'UNSUPPORTED');
}

function listTags(store: RegistryStore, name: string, url: URL): Answer {
  if (!store.has(name)) return errorAnswer(404, 'NAME_UNKNOWN');
  const limit = Number(url.searchParams.get('n') ?? DEFAULT_PAGE);
  if (!Number.isInteger(limit) || limit < 0) return errorAnswer(400, 'PAGINATION_NUMBER_INVALID');
  const last = url.searchParams.get('last') ?? '';
  const rest = store.tagsOf(name).filter((tag) => Buffer.compare(Buffer.from(tag), Buffer.from(last)) > 0);
  const tags = rest.slice(0, limit);
  const next = new URLSearchParams({ last: tags.at(-1) ?? '', n: String(limit) });
  const hasMore = tags.length > 0 && rest.length > tags.length;
  return json(200, { name, tags }, hasMore ? { link: `</v2/${name}/tags/list?${next.toString()}>; rel="next"` } : {});
}

function readManifest(store: RegistryStore, name: string, reference: string, accept: string): Answer {
  const manifest = store.findManifest(name, reference);
  if (manifest === null) return errorAnswer(404, 'MANIFEST_UNKNOWN');
  const accepted = new Set(accept.split(',').map((type) => type.split(';')[0]?.trim()));
  const { oci, docker } = MEDIA_TYPES;
  const isOci = manifest.mediaType === oci.index || manifest.mediaType === oci.manifest;
  if (isOci && !accepted.has(manifest.mediaType)) return errorAnswer(404, 'MANIFEST_UNKNOWN');
  const isReduced =
    manifest.mediaType === docker.index && !accepted.has(docker.index) && parseDigest(reference) === null;
  return isReduced
    ? readManifest(store, name, amd64Of(manifest), `${docker.manifest},${oci.manifest}`)
    : found(manifest);
}

function amd64Of({ body }: Content): string {
  const { manifests } = JSON.parse(body.toString()) as {
    manifests: readonly { digest: string; platform: { os: string; architecture: string } }[];
  };
  return manifests.find(({ platform }) => platform.os === 'linux' && platform.architecture === 'amd64')?.digest ?? '';
}

function writeManifest(store: RegistryStore, name: string, reference: string, question: RegistryQuestion): Answer {
  const asked = parseDigest(reference);
  const manifest = contentOf(question.contentType, question.body);
  if (asked !== null && asked !== manifest.digest) return errorAnswer(400, 'DIGEST_INVALID');
  try {
    if (store.missingParts(name, manifest).length > 0) return errorAnswer(400, 'MANIFEST_BLOB_UNKNOWN');
  } catch {
    return errorAnswer(400, 'MANIFEST_INVALID');
  }
  store.addManifest(name, asked === null ? reference : null, manifest);
  return empty(201, { location: `/v2/${name}/manifests/${manifest.digest}`, 'docker-content-digest': manifest.digest });
}

function writeBlob(store: RegistryStore, name: string, upload: string, question: RegistryQuestion): Answer {
  const { method, url, body } = question;
  const digest = url.searchParams.get('digest');
  if (upload === '' && method === 'POST') {
    if (digest !== null) return keepBlob(store, name, digest, body);
    const mounted = store.findBlob(url.searchParams.get('from') ?? '', url.searchParams.get('mount') ?? '');
    return mounted === null
      ? uploadAnswer(name, store.startUpload(), 0)
      : keepBlob(store, name, mounted.digest, mounted.body);
  }
  const whole = store.continueUpload(upload, body);
  if (whole === null) return errorAnswer(404, 'BLOB_UPLOAD_UNKNOWN');
  if (method === 'PATCH') return uploadAnswer(name, upload, whole.length);
  if (method !== 'PUT' || digest === null) return errorAnswer(400, 'DIGEST_INVALID');
  store.endUpload(upload);
  return keepBlob(store, name, digest, whole);
}

function keepBlob(store: RegistryStore, name: string, digest: string, body: Buffer): Answer {
  if (digestOf(body) !== digest) return errorAnswer(400, 'DIGEST_INVALID');
  store.addBlob(name, contentOf('application/octet-stream', body));
  return empty(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest });
}

function uploadAnswer(name: string, id: string, size: number): Answer {
  const location = `/v2/${name}/blobs/uploads/${id}`;
  return empty(202, { location, range: `0-${Math.max(size - 1, 0)}`, 'docker-upload-uuid': id });
}

function found({ mediaType, body, digest }: Content): Answer {
  return {
    status: 200,
    headers: { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` },
    body,
  };
}

function json(status: number, value: object, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { ...headers, 'content-type': JSON_TYPE }, body: Buffer.from(JSON.stringify(value)) };
}

function empty(status: number, headers: Answer['headers'] = {}): Answer {
  return { status, headers, body: Buffer.alloc(0) };
}
