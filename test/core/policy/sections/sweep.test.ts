import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweepSchema } from '../../../../src/core/policy/sections/sweep.ts';
import { errorsOf, policyOf } from '../../../support/policy.ts';

const bad: readonly (readonly [string, RegExp])[] = [
  ['interval: 0s', /sweep\.interval: 0s is not from 1s to 1d/],
  ['interval: 25h', /is not from 1s to 1d/],
  ['interval: often', /"often" is not a duration/],
  ['applicationNamespaces: ["Argo CD"]', /applicationNamespaces\[0\]: .* matches nothing/],
  ['imageUpdater: 1', /imageUpdater: must be true or false, not 1/],
  ['git: {author: {email: x}}', /author\.email: is not an e-mail address/],
  ['git: {author: {mail: x}}', /author\.mail: is not a key that is known here: did you mean email\?/],
  ['git: {signing: {secret: s}}', /signing\.format: is missing/],
  ['git: {signing: {secret: s, format: gpg}}', /signing\.format: must be one of ssh, openpgp/],
  ['receivers: [{type: ghcr, secret: s}]', /receivers\[0\]\.type: .*did you mean ghcr\.io\?/],
  ['receivers: [{type: ecr}]', /receivers\[0\]\.secret: is missing/],
  ['protect: [{}]', /sweep\.protect\[0\]: it names nothing/],
  ['protect: [{kind: Service}]', /protect\[0\]\.kind: must be one of Application/],
  ['protect: [{path: "a b"}]', /protect\[0\]\.path: "a b" matches nothing/],
  ['protect: [{repo: x}]', /protect\[0\]\.repo: is not a key that is known here/],
];

for (const [body, expected] of bad) {
  test(`${body} is refused`, () => {
    const errors = errorsOf(`sweep: {${body}}\n`);
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(errors[0] ?? '', expected);
  });
}

test('what is not given has its default', () => {
  assert.deepEqual(sweepSchema.parse({}), {
    interval: 120_000,
    applicationNamespaces: ['argocd'],
    imageUpdater: false,
    git: {
      author: { name: 'tagpin', email: 'tagpin@example.com' },
      signing: null,
      signOff: false,
      messageTemplate: '',
    },
    receivers: [],
    protect: [],
  });
});

test('what is given is kept', () => {
  const { sweep } = policyOf(`sweep:
  interval: 5m
  git: {signing: {secret: tagpin-signing, format: ssh}}
  receivers: [{type: ghcr.io, secret: tagpin-receivers}]
  protect:
    - {kind: Application, project: production}
    - {namespaceLabels: {env: production}}
    - {repository: "https://git.corp/deploy*", branch: main, path: "envs/production/**"}
`);
  assert.equal(sweep.interval, 300_000);
  assert.deepEqual(sweep.git.signing, { secret: 'tagpin-signing', format: 'ssh' });
  assert.deepEqual(sweep.receivers, [{ type: 'ghcr.io', secret: 'tagpin-receivers' }]);
  assert.deepEqual(
    sweep.protect.map((entry) => Object.values(entry).filter((value) => value !== null).length),
    [2, 1, 3],
  );
});
