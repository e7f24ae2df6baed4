import { asObject, asString, type JsonObject, property, valueAt } from '../workload/json.ts';
import { type WorkloadKind, workloadKind } from '../workload/kinds.ts';

/** What an AdmissionReview of `admission.k8s.io/v1` asks, as far as tagpin cares. */
export interface AdmissionRequest {
  readonly uid: string;
  /** Null where the object's kind is none of ours. */
  readonly kind: WorkloadKind | null;
  /** The kind as the request names it, for reports. */
  readonly kindName: string;
  readonly namespace: string;
  /** The object's name; its `generateName` on a CREATE that leaves the name to the API server. */
  readonly name: string;
  readonly operation: string;
  /** Empty for the object itself. */
  readonly subResource: string;
  /** The name of the user who asks. */
  readonly user: string;
  readonly dryRun: boolean;
  /** Null where the request carries none, as on DELETE. */
  readonly object: JsonObject | null;
  readonly oldObject: JsonObject | null;
}

export type ParsedReview =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | {
      readonly ok: false;
      /** As far as it could be read, otherwise empty. */
      readonly uid: string;
      readonly problem: string;
    };

/** The API server's uids have 36 characters; whatever else calls gets this much back at most. */
const LONGEST_UID = 256;

/** Reads a request body, parsed as JSON, into a request that can't be malformed. */
export function parseReview(body: unknown): ParsedReview {
  const request = asObject(property(body, 'request'));
  const uid = (asString(property(request, 'uid')) ?? '').slice(0, LONGEST_UID);
  const bad = (problem: string): ParsedReview => ({ ok: false, uid, problem });

  if (asObject(body) === null) return bad('the body is no JSON object; send an AdmissionReview');
  if (property(body, 'apiVersion') !== 'admission.k8s.io/v1' || property(body, 'kind') !== 'AdmissionReview') {
    return bad('the body is no AdmissionReview of admission.k8s.io/v1; set apiVersion and kind');
  }
  if (request === null) return bad('the review has no request');
  if (uid === '') return bad('the request has no uid');

  const group = asString(valueAt(request, ['kind', 'group'])) ?? '';
  const version = asString(valueAt(request, ['kind', 'version'])) ?? '';
  const kindName = asString(valueAt(request, ['kind', 'kind'])) ?? '';
  const object = asObject(property(request, 'object'));
  return {
    ok: true,
    request: {
      uid,
      kind: workloadKind(group === '' ? version : `${group}/${version}`, kindName),
      kindName,
      namespace: asString(property(request, 'namespace')) ?? '',
      name:
        nonEmpty(asString(property(request, 'name'))) ??
        nonEmpty(asString(valueAt(object, ['metadata', 'name']))) ??
        asString(valueAt(object, ['metadata', 'generateName'])) ??
        '',
      operation: asString(property(request, 'operation')) ?? '',
      subResource: asString(property(request, 'subResource')) ?? '',
      user: asString(valueAt(request, ['userInfo', 'username'])) ?? '',
      dryRun: property(request, 'dryRun') === true,
      object,
      oldObject: asObject(property(request, 'oldObject')),
    },
  };
}

function nonEmpty(text: string | null): string | null {
  return text === '' ? null : text;
}
