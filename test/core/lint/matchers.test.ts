import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImageReference, parseReference } from '../../../src/core/image/reference.ts';
import { Matchers } from '../../../src/core/lint/matchers.ts';
import { verifySchema } from '../../../src/core/policy/sections/signatures.ts';
import { policyOf } from '../../support/policy.ts';

function reference(text: string): ImageReference {
  const parsed = parseReference(text);
  return parsed.ok ? parsed.reference : assert.fail(text);
}

const LABELS = new Map([['shop', { env: 'production' }]]);

function matchers(body: string): Matchers {
  const verify = ['ghcr.io/acme/**', 'quay.io/**'].map((glob) => verifySchema.parse({ name: glob, images: [glob] }));
  return new Matchers({ ...policyOf(body), verify }, (name) => LABELS.get(name) ?? null);
}

const RULES = `rules:
- {name: a, match: {images: ["ghcr.io/acme/**"], tags: ["v*"]}, action: pin}
- {name: b, match: {tags: [latest]}, action: deny}
- {name: c, match: {namespaces: [other], tags: [latest]}, action: warn}
- {name: d, match: {kinds: [Pod]}, action: ignore}
`;

const found = (seen: Matchers): readonly string[] => seen.findings().map(({ path }) => path.join('.'));
const subject = (image: string) => ({
  namespace: 'shop',
  namespaceLabels: {},
  kinds: ['Deployment', 'Pod'],
  reference: reference(image),
});

test('a rule matches nothing until an image is shown; what denies needs only the place where it looks', () => {
  const seen = matchers(RULES);
  seen.sawImage(subject('nginx:1'));
  assert.deepEqual(found(seen), ['rules.0', 'rules.2', 'verify.0', 'verify.1']);
  seen.sawImage(subject('ghcr.io/acme/app:v1'));
  assert.deepEqual(found(seen), ['rules.2', 'verify.1']);
  seen.sawFollowed(reference('quay.io/a/b:1'));
  assert.deepEqual(found(seen), ['rules.2']);
});

const PROTECT = `sweep:
  protect:
  - {project: "prod-*"}
  - {kind: CronJob}
  - {namespaceLabels: {env: production}}
  - {repository: "https://git.example/**"}
`;

test('an entry protects nothing until a target is shown that it covers', () => {
  const seen = matchers(PROTECT);
  seen.sawTarget({ subject: { kind: 'Deployment', namespace: 'x', project: null, destination: null }, places: [] });
  // Of a namespace that nobody knows everything counts as protected.
  assert.deepEqual(found(seen), ['sweep.protect.0', 'sweep.protect.1', 'sweep.protect.3']);
  const destination = { server: 'https://kubernetes.default.svc', name: null, namespace: 'shop' };
  const places = [{ repository: 'https://git.example/a.git', branch: null, path: null }];
  seen.sawTarget({ subject: { kind: 'Application', namespace: 'shop', project: 'prod-eu', destination }, places });
  assert.deepEqual(found(seen), ['sweep.protect.1']);
});

test('of what could not be seen, or of an empty cluster, nothing is said', () => {
  assert.deepEqual(found(matchers(RULES + PROTECT)), []);
  const seen = matchers(RULES + PROTECT);
  seen.sawImage(subject('nginx:1'));
  seen.sawTarget({ subject: { kind: 'Deployment', namespace: 'x', project: null, destination: null }, places: [] });
  seen.missed('images');
  assert.ok(found(seen).every((path) => path.startsWith('sweep')));
  seen.missed('targets');
  assert.deepEqual(found(seen), []);
});
