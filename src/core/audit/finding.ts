import { type Digest, shortDigest } from '../image/digest.ts';
import type { ResolutionFailureCode } from '../image/resolution.ts';
import type { LintCode } from '../lint/finding.ts';

/**
 * What an audit says of an image.
 * - `pinned`: it has a digest; `floating`: it has none, and would get one.
 * - `behind`: its tag means another digest by now, says the registry.
 * - `skipped`: it floats since somebody said so.
 * - `unresolved`: it is malformed, or the registry that was asked gave no digest.
 * - `drifted`: its Pods run another digest.
 * - `split`: its reference has another digest elsewhere in the namespace.
 * - `flapping`: an Argo CD Application without server-side diff puts the tag back, again and again.
 * - `inert`: something that is configured, of no image, can't act or is wider than it reads.
 */
export const AUDIT_STATES = [
  'pinned',
  'floating',
  'behind',
  'skipped',
  'unresolved',
  'drifted',
  'split',
  'flapping',
  'inert',
] as const;

export type AuditState = (typeof AUDIT_STATES)[number];

/** One thing found about an image, with its reason. Those of state `pinned` are remarks. */
export type Finding =
  | { readonly state: 'unresolved'; readonly why: 'Malformed'; readonly problem: string }
  | {
      readonly state: 'unresolved';
      readonly why: 'NoAnswer';
      readonly code: ResolutionFailureCode;
      readonly message: string;
    }
  | { readonly state: 'skipped'; readonly why: 'MirrorPod' }
  | { readonly state: 'skipped'; readonly why: 'Owner'; readonly owner: string }
  | { readonly state: 'skipped'; readonly why: 'Annotation' }
  | { readonly state: 'skipped'; readonly why: 'PullPolicy' }
  | {
      readonly state: 'skipped';
      readonly why: 'Rule';
      readonly rule: string | null;
      readonly action: 'ignore' | 'warn';
      readonly message: string | null;
    }
  | { readonly state: 'floating'; readonly why: 'Denied'; readonly rule: string | null }
  | { readonly state: 'floating'; readonly why: 'NeverPinned'; readonly refresh: string }
  | { readonly state: 'floating'; readonly why: 'Unchangeable'; readonly kind: string }
  | { readonly state: 'floating'; readonly why: 'OnlyInPods' }
  | {
      readonly state: 'drifted';
      readonly why: 'OtherTemplate';
      readonly pods: number;
      readonly images: readonly string[];
    }
  | {
      readonly state: 'drifted';
      readonly why: 'OtherImage';
      readonly pods: number;
      readonly digests: readonly Digest[];
    }
  | { readonly state: 'flapping'; readonly why: 'ClientSideDiff'; readonly application: string }
  | { readonly state: 'split'; readonly why: 'OtherDigest'; readonly digests: readonly Digest[] }
  | { readonly state: 'behind'; readonly why: 'TagMoved'; readonly digest: Digest }
  | { readonly state: 'pinned'; readonly why: 'MaybePlatform'; readonly digests: readonly Digest[] }
  | { readonly state: 'pinned'; readonly why: 'NoDigests'; readonly pods: number }
  | {
      readonly state: 'inert';
      readonly why: 'Inert';
      readonly code: LintCode;
      /** A key, a field, or a path of the policy; empty where the message says it. */
      readonly where: string;
      readonly message: string;
    };

export type AuditReason = Finding['why'];

/** A finding as a sentence without its end, for people. */
export function explainFinding(finding: Finding): string {
  switch (finding.why) {
    case 'Malformed':
      return finding.problem;
    case 'NoAnswer':
      return `${finding.code}: ${finding.message}`;
    case 'MirrorPod':
      return 'a static Pod: the kubelet reads it from a file of its node';
    case 'Owner':
      return `its owner ${finding.owner} decides about its images`;
    case 'Annotation':
      return 'tagpin.dev/skip names it';
    case 'PullPolicy':
      return 'its pull policy is Never';
    case 'Rule':
      return `${ruleText(finding.rule)} ${finding.action}${finding.message === null ? '' : `: ${finding.message}`}`;
    case 'Denied':
      return `${ruleText(finding.rule)} deny, and it was there before`;
    case 'NeverPinned':
      return `it was there before its namespace opted in, or no digest could be had: ${finding.refresh}`;
    case 'Unchangeable':
      return `the images of a ${finding.kind} are pinned when it is made: make it anew`;
    case 'OnlyInPods':
      return 'somebody put it into the Pods, no template has it';
    case 'OtherTemplate':
      return `${pods(finding.pods)} made from another template: ${finding.images.map(shortImage).join(', ')}`;
    case 'OtherImage':
      return `${pods(finding.pods)} running ${shortDigests(finding.digests)}`;
    case 'ClientSideDiff':
      return `Application ${finding.application} compares without server-side diff, and puts the tag back: set ServerSideDiff=true`;
    case 'OtherDigest':
      return `its reference has ${finding.digests.length} digests in the namespace: ${shortDigests(finding.digests)}`;
    case 'TagMoved':
      return `its tag means ${shortDigest(finding.digest)} now`;
    case 'MaybePlatform':
      return `its Pods report ${shortDigests(finding.digests)}, which may be one platform of the pinned index: --registry tells`;
    case 'NoDigests':
      return `${pods(finding.pods)} reporting an image ID that is no digest of a manifest`;
    case 'Inert':
      return finding.where === '' ? finding.message : `${finding.where}: ${finding.message}`;
  }
}

/** A digest within an image cut to twelve digits: `nginx@sha256:0123456789ab`. */
export function shortImage(image: string): string {
  return image.replace(/@(sha(?:256|384|512):[0-9a-f]{12})[0-9a-f]*$/, '@$1');
}

function ruleText(rule: string | null): string {
  return rule === null ? "the policy's defaults say" : `rule ${rule} says`;
}

function pods(count: number): string {
  return count === 1 ? '1 Pod is' : `${count} Pods are`;
}

function shortDigests(digests: readonly Digest[]): string {
  return digests.map(shortDigest).join(', ');
}
