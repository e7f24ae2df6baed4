import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePullSecret } from '../../../../src/core/target/settings/pull-secret.ts';

// [the text, what it names]
const good: readonly (readonly [string, object])[] = [
  ['pullsecret:argocd/ghcr', { kind: 'pullsecret', namespace: 'argocd', name: 'ghcr' }],
  ['secret:argocd/ghcr.io#creds', { kind: 'secret', namespace: 'argocd', name: 'ghcr.io', field: 'creds' }],
  ['secret:argocd/a#.dockerconfigjson', { kind: 'secret', namespace: 'argocd', name: 'a', field: '.dockerconfigjson' }],
  ['docker.io=pullsecret:argocd/hub', { kind: 'pullsecret', namespace: 'argocd', name: 'hub' }],
];

for (const [text, source] of good) {
  test(`${text} is read`, () => assert.deepEqual(parsePullSecret(text, 'argocd'), { ok: true, source }));
}

// [the text, what is said of it]
const bad: readonly (readonly [string, RegExp])[] = [
  ['pullsecret:other/ghcr', /"pullsecret:other\/ghcr" is in another namespace: copy .* write pullsecret:argocd\/NAME$/],
  ['secret:other/ghcr#f', /another namespace: .*write secret:argocd\/NAME#FIELD$/],
  ['env:CREDS', /"env:CREDS" would show the sweeper's own environment: make a Secret .*pullsecret:argocd\/NAME$/],
  ['ext:/app/scripts/ecr.sh', /would show the sweeper's own files/],
  ['docker.io=env:HUB', /own environment/],
  ['ghcr', /"ghcr" is no credential/],
  ['configmap:argocd/x', /is no credential/],
  ['pullsecret:ghcr', /names no Secret: write pullsecret:argocd\/NAME$/],
  ['pullsecret:argocd/', /names no Secret/],
  ['pullsecret:argocd/a/b', /names no Secret/],
  ['pullsecret:argocd/../x', /names no Secret/],
  ['pullsecret:argocd/a#f', /has a field/],
  ['secret:argocd/a', /names no field/],
  ['secret:argocd/a#', /names no field/],
  ['secret:argocd/a#b#c', /names no Secret/],
  ['secret:argocd/a#b c', /names no field/],
  ['', /is no credential/],
];

for (const [text, problem] of bad) {
  test(`${JSON.stringify(text)} is refused`, () => {
    const parsed = parsePullSecret(text, 'argocd');
    assert.match(parsed.ok ? 'read' : parsed.problem, problem);
  });
}
