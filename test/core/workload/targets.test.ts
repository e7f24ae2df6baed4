import assert from 'node:assert/strict';
import test from 'node:test';
import { imageSlots } from '../../../src/core/workload/slots.ts';
import { annotationOf, isSkipped, parseRefresh } from '../../../src/core/workload/targets.ts';
import { digest, pod } from '../../support/admission.ts';

const A = digest('a');
const slots = imageSlots(
  'Pod',
  pod({ app: 'a:1', twin: 'b:1', 'initContainers/twin': 'c:1', 'initContainers/setup': 'd:1', 'volumes/app': 'e:1' }),
);

/** Targets as words: a slot by its key, with `=` where a digest is expected. */
function read(value: string): string[] | string {
  const parsed = parseRefresh(value, slots);
  if (!parsed.ok) return parsed.problem;
  return parsed.targets.map((target) =>
    target.kind === 'slot' ? `${target.slot.key}${target.expected === null ? '' : '='}` : target.kind,
  );
}

const good: readonly (readonly [string, string[]])[] = [
  ['*', ['all']],
  ['floating', ['floating']],
  ['app', ['containers/app']],
  ['app;*', ['containers/app']],
  [' app , setup ', ['containers/app', 'initContainers/setup']],
  ['app,,', ['containers/app']],
  ['twin', ['containers/twin']],
  ['initContainers/twin', ['initContainers/twin']],
  ['volumes/app', ['volumes/app']],
  [`app=${A},volumes/app = ${A};x=y`, ['containers/app=', 'volumes/app=']],
];

for (const [value, targets] of good) {
  test(`refresh ${JSON.stringify(value.slice(0, 30))} names ${targets.join(' and ')}`, () =>
    assert.deepEqual(read(value), targets));
}

const bad = [
  '',
  ';',
  ',',
  'nobody',
  'volumes/twin',
  'app=',
  'app=latest',
  `*=${A}`,
  `floating=${A}`,
  'app,nobody',
  '__proto__',
];

for (const value of bad) {
  test(`refresh ${JSON.stringify(value.slice(0, 30))} is refused whole`, () =>
    assert.equal(typeof read(value), 'string'));
}

// [skip, the keys that are left alone]
const skips: readonly (readonly [string | null, string[]])[] = [
  [null, []],
  ['', []],
  ['*', ['containers/app', 'containers/twin', 'initContainers/twin', 'initContainers/setup', 'volumes/app']],
  ['app', ['containers/app']],
  ['twin', ['containers/twin', 'initContainers/twin']],
  [' setup , volumes/app', ['initContainers/setup', 'volumes/app']],
  ['other', []],
];

for (const [value, keys] of skips) {
  test(`skip ${JSON.stringify(value)} leaves ${keys.length} alone`, () => {
    assert.deepEqual(
      slots.filter((slot) => isSkipped(value, slot)).map((slot) => slot.key),
      keys,
    );
  });
}

test('an annotation is a text of its holder, or absent', () => {
  assert.equal(annotationOf({ metadata: { annotations: { a: 'b' } } }, 'a'), 'b');
  for (const holder of [null, {}, { metadata: { annotations: { a: 1 } } }])
    assert.equal(annotationOf(holder, 'a'), null);
});
