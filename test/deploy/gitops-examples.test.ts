/** Reads what deploy/gitops.md tells people to write for the sweeper, with the program's own readers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import { readOwner, revertedBy } from '../../src/core/target/ownership/owner.ts';
import { readSettings } from '../../src/core/target/settings/application-settings.ts';
import { application } from '../support/application.ts';

const page = readFileSync(join(import.meta.dirname, '../../deploy/gitops.md'), 'utf8');
const section = page.slice(page.indexOf('## The sweeper and Argo CD'), page.indexOf('## Flux'));
const [annotated = '', parent = '', applicationSet = '', ...more] = [
  ...section.matchAll(/^```yaml\n(.*?)^```$/gms),
].map(([, text]) => text);

const LIST = ['spec', 'source', 'helm', 'parameters'];
const HELM = { parameters: [{ name: 'web.image.tag', value: '1.2.0' }] };

test('the annotations are all that an Application needs', () => {
  assert.deepEqual(more, []);
  const settings = readSettings({ ...application(), ...parse(annotated) }, null);
  assert.deepEqual(settings?.problems, []);
  assert.deepEqual(
    settings?.images.map(({ alias, rule, place }) => [alias, rule.constraint, place.kind]),
    [['web', '~1.2', 'helm']],
  );
});

test('a parent would put a value back, and not where it is told what to leave', () => {
  const child = application({
    annotations: {
      'argocd.argoproj.io/tracking-id': 'apps:argoproj.io/Application:argocd/shop',
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: { source: { helm: HELM } } }),
    },
    source: { helm: HELM },
  });
  const owner = readOwner(child);
  assert.equal(revertedBy(child, owner, {}, LIST), 'Application apps');
  assert.equal(revertedBy(child, owner, parse(parent), LIST), null);
});

test('so would an ApplicationSet', () => {
  const ownerReferences = [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'shops' }];
  const child = application({ metadata: { ownerReferences } });
  const owner = readOwner(child);
  assert.equal(revertedBy(child, owner, {}, LIST), 'ApplicationSet argocd/shops');
  assert.equal(revertedBy(child, owner, parse(applicationSet), LIST), null);
});
