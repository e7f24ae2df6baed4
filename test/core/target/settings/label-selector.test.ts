import assert from 'node:assert/strict';
import test from 'node:test';
import { compileLabelSelector } from '../../../../src/core/target/settings/label-selector.ts';

const LABELS = { environment: 'production', tier: 'frontend' };

// [the selector, does it fit the labels]
const selectors: readonly (readonly [object | null, boolean])[] = [
  [null, true],
  [{}, true],
  [{ matchLabels: { tier: 'frontend' } }, true],
  [{ matchLabels: { tier: 'backend' } }, false],
  [{ matchLabels: { tier: 'frontend', other: 'x' } }, false],
  [{ matchExpressions: [{ key: 'environment', operator: 'In', values: ['production', 'staging'] }] }, true],
  [{ matchExpressions: [{ key: 'environment', operator: 'NotIn', values: ['production'] }] }, false],
  [{ matchExpressions: [{ key: 'absent', operator: 'NotIn', values: ['x'] }] }, true],
  [{ matchExpressions: [{ key: 'absent', operator: 'In', values: ['x'] }] }, false],
  [{ matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
  [{ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
  [{ matchLabels: { tier: 'frontend' }, matchExpressions: [{ key: 'absent', operator: 'Exists' }] }, false],
];

for (const [selector, expected] of selectors) {
  test(`${JSON.stringify(selector)} ${expected ? 'fits' : 'does not fit'}`, () => {
    const compiled = compileLabelSelector(selector);
    assert.equal(compiled.ok && compiled.matches(LABELS), expected);
  });
}

// [the selector, what is wrong with it]
const bad: readonly (readonly [object, RegExp])[] = [
  [{ matchLabels: { tier: 5 } }, /matchLabels tier is no text/],
  [{ matchExpressions: [{ key: 'a', operator: 'in', values: ['x'] }] }, /"in" is no operator/],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: [] }] }, /In wants values/],
];

for (const [selector, expected] of bad) {
  test(`${JSON.stringify(selector)} is refused`, () => {
    const compiled = compileLabelSelector(selector);
    assert.match(compiled.ok ? 'compiled' : compiled.problem, expected);
  });
}
