import { createHash } from 'node:crypto';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' };
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';

/** Whose certificates, log entries and timestamps count. */
export interface TrustRoot {
  readonly material: TrustMaterial;
  /** Hash of the text that it was read from: with another root, verdicts may be others. */
  readonly fingerprint: string;
}

/** A trust root, or what is wrong with its text: half a sentence. */
export type ReadTrustRoot =
  | { readonly ok: true; readonly root: TrustRoot }
  | { readonly ok: false; readonly problem: string };

/** A ConfigMap holds no more than 1 MiB. */
const LARGEST = 1024 * 1024;

/** Reads a `trusted_root.json` (protobuf-specs, `sigstore_trustroot.proto`): that of private authorities, or a newer public one. */
export function readTrustRoot(text: string): ReadTrustRoot {
  if (text.length > LARGEST) return { ok: false, problem: 'it is larger than 1 MiB' };
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(text));
    const { certificateAuthorities, tlogs, timestampAuthorities } = root;
    if (certificateAuthorities.length + tlogs.length + timestampAuthorities.length === 0) {
      return { ok: false, problem: 'it names no authority and no log: it has to be a trusted_root.json' };
    }
    const fingerprint = createHash('sha256').update(text).digest('base64');
    return { ok: true, root: { material: toTrustMaterial(root), fingerprint } };
  } catch {
    return { ok: false, problem: 'it is no trusted_root.json' };
  }
}

/**
 * The trust root of the public instance (sigstore.dev), as it was when the package that carries it was published: nothing is
 * asked for it. A newer one can be given as a text.
 */
export function publicTrustRoot(): TrustRoot {
  known ??= decodePublic();
  return known;
}

let known: TrustRoot | null = null;

function decodePublic(): TrustRoot {
  const text = Buffer.from(seeds['https://tuf-repo-cdn.sigstore.dev'].targets['trusted_root.json'], 'base64').toString(
    'utf8',
  );
  const read = readTrustRoot(text);
  if (!read.ok) throw new Error(`the public trust root can not be used: ${read.problem}`);
  return read.root;
}
