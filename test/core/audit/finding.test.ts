import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AUDIT_STATES,
  type AuditReason,
  explainFinding,
  type Finding,
  shortImage,
} from '../../../src/core/audit/finding.ts';
import { digest } from '../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];

const texts: Readonly<Record<AuditReason, readonly [Finding, string]>> = {
  Inert: [
    { state: 'inert', why: 'Inert', code: 'UnknownKey', where: 'tagpin.dev/folow', message: 'did you mean follow?' },
    'tagpin.dev/folow: did you mean follow?',
  ],
  Malformed: [{ state: 'unresolved', why: 'Malformed', problem: 'the image is empty' }, 'the image is empty'],
  NoAnswer: [
    { state: 'unresolved', why: 'NoAnswer', code: 'NotFound', message: 'no such tag' },
    'NotFound: no such tag',
  ],
  MirrorPod: [{ state: 'skipped', why: 'MirrorPod' }, 'a static Pod: the kubelet reads it from a file of its node'],
  Owner: [{ state: 'skipped', why: 'Owner', owner: 'App/shop' }, 'its owner App/shop decides about its images'],
  Annotation: [{ state: 'skipped', why: 'Annotation' }, 'tagpin.dev/skip names it'],
  PullPolicy: [{ state: 'skipped', why: 'PullPolicy' }, 'its pull policy is Never'],
  Rule: [
    { state: 'skipped', why: 'Rule', rule: 'old', action: 'warn', message: 'Ask ops.' },
    'rule old says warn: Ask ops.',
  ],
  Denied: [{ state: 'floating', why: 'Denied', rule: null }, "the policy's defaults say deny, and it was there before"],
  NeverPinned: [
    { state: 'floating', why: 'NeverPinned', refresh: 'tagpin refresh x' },
    'it was there before its namespace opted in, or no digest could be had: tagpin refresh x',
  ],
  Unchangeable: [
    { state: 'floating', why: 'Unchangeable', kind: 'Job' },
    'the images of a Job are pinned when it is made: make it anew',
  ],
  OnlyInPods: [{ state: 'floating', why: 'OnlyInPods' }, 'somebody put it into the Pods, no template has it'],
  OtherTemplate: [
    { state: 'drifted', why: 'OtherTemplate', pods: 2, images: [`nginx@${B}`, 'nginx:1'] },
    '2 Pods are made from another template: nginx@sha256:620000000000, nginx:1',
  ],
  OtherImage: [
    { state: 'drifted', why: 'OtherImage', pods: 1, digests: [A, B] },
    '1 Pod is running sha256:610000000000, sha256:620000000000',
  ],
  ClientSideDiff: [
    { state: 'flapping', why: 'ClientSideDiff', application: 'argocd/shop' },
    'Application argocd/shop compares without server-side diff, and puts the tag back: set ServerSideDiff=true',
  ],
  OtherDigest: [
    { state: 'split', why: 'OtherDigest', digests: [A, B] },
    'its reference has 2 digests in the namespace: sha256:610000000000, sha256:620000000000',
  ],
  TagMoved: [{ state: 'behind', why: 'TagMoved', digest: B }, 'its tag means sha256:620000000000 now'],
  MaybePlatform: [
    { state: 'pinned', why: 'MaybePlatform', digests: [B] },
    'its Pods report sha256:620000000000, which may be one platform of the pinned index: --registry tells',
  ],
  NoDigests: [
    { state: 'pinned', why: 'NoDigests', pods: 3 },
    '3 Pods are reporting an image ID that is no digest of a manifest',
  ],
};

for (const [why, [finding, text]] of Object.entries(texts)) {
  test(`${why} is told as: ${text}`, () => {
    assert.equal(finding.why, why);
    assert.equal(explainFinding(finding), text);
  });
}

test('every state can be found', () => {
  assert.deepEqual(new Set(Object.values(texts).map(([{ state }]) => state)), new Set(AUDIT_STATES));
});

test('only a digest is cut', () => {
  assert.equal(shortImage(`a/b:1@${A}`), 'a/b:1@sha256:610000000000');
  assert.equal(shortImage('a/b:1'), 'a/b:1');
  assert.equal(shortImage('a@sha256:xyz'), 'a@sha256:xyz');
});
