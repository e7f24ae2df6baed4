import assert from 'node:assert/strict';
import test from 'node:test';
import type { RegistryHint } from '../../../src/core/receivers/hint.ts';
import { concerns } from '../../../src/core/sweep/hint.ts';
import { shopSettings } from '../../support/planned-target.ts';

test('a push concerns who follows the repository, and with the strategy digest only its tag', () => {
  const follows = (strategy: string) => {
    const { image, rule } = shopSettings({
      'image-list': 'shop=ghcr.io/acme/shop:main',
      'update-strategy': strategy,
    });
    return { repository: image.repository, rule };
  };
  const hint: RegistryHint = { registry: 'ghcr.io', repository: 'acme/shop', tag: 'main', covers: 'repository' };
  const rows = [
    ['digest', {}, true],
    ['digest', { tag: null }, true],
    ['digest', { tag: 'other' }, false],
    ['alphabetical', { tag: 'other' }, true],
    ['digest', { registry: 'docker.io' }, false],
    ['digest', { repository: 'acme/shops' }, false],
    ['digest', { repository: 'acme' }, false],
    ['digest', { repository: 'acme', covers: 'below' }, true],
    ['digest', { repository: 'acm', covers: 'below' }, false],
    ['digest', { covers: 'below' }, true],
  ] as const;
  for (const [strategy, change, isConcerned] of rows) {
    assert.equal(concerns({ ...hint, ...change }, follows(strategy)), isConcerned, JSON.stringify([strategy, change]));
  }
});
