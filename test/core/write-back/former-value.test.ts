import assert from 'node:assert/strict';
import test from 'node:test';
import { valueText } from '../../../src/core/sweep/value.ts';
import type { ProposedValues } from '../../../src/core/target/value/values.ts';
import { formerValue } from '../../../src/core/write-back/former-value.ts';
import { DIGEST } from '../../support/application.ts';

const OTHER = `sha256:${'cd'.repeat(32)}`;
const helm: ProposedValues = {
  kind: 'helm',
  parameters: [
    { name: 'image.name', value: 'ghcr.io/acme/web', role: 'name', where: 'always' },
    { name: 'image.tag', value: '1.2.0', role: 'tag', where: 'always' },
    { name: 'image.digest', value: DIGEST, role: 'digest', where: 'always' },
  ],
};
const spec: ProposedValues = {
  kind: 'plugin',
  variables: [{ name: 'IMAGE', value: 'ghcr.io/acme/web:1.2.0', role: 'spec' }],
};
const kustomize: ProposedValues = {
  kind: 'kustomize',
  name: 'web',
  isNamed: true,
  newName: 'ghcr.io/acme/web',
  tag: '1.2.0',
  digest: DIGEST,
};

/** What was written, the changes of the file as `place: from`, and what is told of them. */
const CASES: readonly (readonly [
  string,
  ProposedValues,
  readonly (readonly [string, string | null])[],
  string | null,
])[] = [
  ['a value of Helm', helm, [['image.tag', '1.1.0']], '1.1.0'],
  ['a parameter of .argocd-source', helm, [['helm.parameters[image.tag]', `main@${OTHER}`]], `main@${OTHER}`],
  ['a digest alone where the tag goes', helm, [['image.tag', OTHER]], `@${OTHER}`],
  [
    'a tag and a digest of their own',
    helm,
    [
      ['image.tag', '1.1.0'],
      ['image.digest', OTHER],
    ],
    `1.1.0@${OTHER}`,
  ],
  ['the digest alone', helm, [['image.digest', OTHER]], `@${OTHER}`],
  ['a value that was not there', helm, [['image.tag', null]], null],
  ['a value of another image', helm, [['other.tag', '9']], null],
  ['what is no tag', helm, [['image.tag', `${'x'.repeat(200)}\nSigned-off-by: mallory`]], null],
  ['a whole image', spec, [['plugin.env[IMAGE]', `ghcr.io/acme/web:1.1.0@${OTHER}`]], `1.1.0@${OTHER}`],
  ['an image without a tag', spec, [['plugin.env[IMAGE]', 'ghcr.io/acme/web']], null],
  ['what is no image', spec, [['plugin.env[IMAGE]', 'a b']], null],
  [
    'both fields of a kustomization',
    kustomize,
    [
      ['images[web].newTag', '1.1.0'],
      ['images[web].digest', OTHER],
    ],
    `1.1.0@${OTHER}`,
  ],
  ['a digest beside the same tag', kustomize, [['images[web].digest', OTHER]], `1.2.0@${OTHER}`],
  ['a digest that joins the same tag', kustomize, [['images[web].digest', null]], '1.2.0'],
  [
    'a new entry of a kustomization',
    kustomize,
    [
      ['images[web].newTag', null],
      ['images[web].digest', null],
    ],
    null,
  ],
  ['an entry of .argocd-source', kustomize, [['kustomize.images[web]', 'web=ghcr.io/acme/web:1.1.0']], '1.1.0'],
  ['an entry without a tag', kustomize, [['kustomize.images[web]', 'web=ghcr.io/acme/web']], null],
];

for (const [what, proposed, changes, expected] of CASES) {
  test(`of ${what} the message tells what was there: ${expected ?? 'nothing'}`, () => {
    const value = formerValue(
      proposed,
      changes.map(([place, from]) => ({ place, from, to: 'x' })),
    );
    assert.equal(value === null ? null : valueText(value), expected);
  });
}
