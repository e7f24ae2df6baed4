import type { Platform } from '../../image/platform.ts';
import { canonicalName, type ImageReference } from '../../image/reference.ts';
import { entriesFor } from '../../signature/entries.ts';
import type { VerifyEntry } from '../../signature/verification.ts';
import type { RegistryAccess } from '../../target/connection.ts';
import type { TrackedSettings } from '../../target/settings.ts';
import { needsDigest } from '../../target/value/values.ts';
import type { SelectionRule } from '../../version/select.ts';

/** What a tag is chosen by, whatever kind of target follows it. */
export interface Selection {
  /** Without tag and digest. */
  readonly repository: ImageReference;
  readonly rule: SelectionRule;
  /** An image must run on one of them; none means on any. */
  readonly platforms: readonly Platform[];
  readonly pullSecret: RegistryAccess | null;
  /** Is the digest of the chosen tag a part of the value? */
  readonly digest: 'wanted' | 'unwanted';
  /** What has to verify it: those entries that speak of the image. */
  readonly verify: readonly VerifyEntry[];
}

/** How an Application's image is chosen. @param verify all entries of the policy. */
export function selectionOf(tracked: TrackedSettings, verify: readonly VerifyEntry[]): Selection {
  const { image, rule, platforms, pullSecret } = tracked;
  return {
    repository: image.repository,
    rule,
    platforms,
    pullSecret,
    digest: needsDigest(tracked) ? 'wanted' : 'unwanted',
    verify: entriesFor(verify, image.repository),
  };
}

/** Equal for selections that choose the same. */
export function selectionKey({ repository, rule, platforms, pullSecret, digest, verify }: Selection): string {
  const what = [canonicalName(repository), secretText(pullSecret), ...platforms.map(platformText)];
  return JSON.stringify([what, rule.text, rule.versionParts, digest, verify.map(entryNumber)]);
}

/** `linux/arm64/v8`. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === null ? [] : [variant])].join('/');
}

/** Names where a credential comes from, and how the registry is reached; empty where nothing was named. */
export function secretText(secret: RegistryAccess | null): string {
  if (secret === null) return '';
  if (secret.kind === 'connection' || secret.kind === 'pod') return JSON.stringify(secret);
  const place = `${secret.kind}:${secret.namespace}/${secret.name}`;
  return secret.kind === 'secret' ? `${place}#${secret.field}` : place;
}

/** An entry may hold kilobytes of keys, and is an object that lives as long as its policy. */
const NUMBERS = new WeakMap<VerifyEntry, number>();
let numbered = 0;

/** A number that is this entry's own. */
export function entryNumber(entry: VerifyEntry): number {
  const known = NUMBERS.get(entry);
  if (known !== undefined) return known;
  numbered += 1;
  NUMBERS.set(entry, numbered);
  return numbered;
}
