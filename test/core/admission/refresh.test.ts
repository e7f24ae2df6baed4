import assert from 'node:assert/strict';
import test from 'node:test';
import type { PlanContext } from '../../../src/core/admission/context.ts';
import { NO_REFRESH, planRefresh } from '../../../src/core/admission/refresh.ts';
import { admit, deployment, digest, type Images, type RecordTable, record } from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const NGINX = 'docker.io/library/nginx:1.27';
const APP: RecordTable = { 'containers/app': [['nginx:1.27', A]] };

interface Refresh {
  readonly value: string;
  readonly images?: Images;
  readonly stored?: Images;
  readonly table?: RecordTable;
  readonly refreshed?: readonly string[];
  readonly registry?: Parameters<typeof admit>[0]['registry'];
  readonly policy?: string;
  readonly extra?: Record<string, string>;
}

/** An UPDATE that only puts the annotation on, as `kubectl annotate` does, unless `images` says otherwise. */
function refresh({
  value,
  images,
  stored = { app: `nginx@${A}` },
  table = APP,
  refreshed,
  registry,
  policy,
  extra,
}: Refresh) {
  const pins = record(table, refreshed);
  const annotations = { 'tagpin.dev/pins': pins, 'tagpin.dev/refresh': value, ...extra };
  return admit({
    object: deployment(images ?? stored, { annotations }),
    oldObject: deployment(stored, { annotations: { 'tagpin.dev/pins': pins } }),
    registry: registry ?? { [NGINX]: B },
    ...(policy !== undefined && { policy }),
  });
}

const isGone = (result: ReturnType<typeof admit>) =>
  !Object.hasOwn((result.object['metadata'] as { annotations: object }).annotations, 'tagpin.dev/refresh');

for (const value of ['*', 'app', ' app ', 'containers/app', '*;2026-11-21', `app=${B}`, `app=${B};again`, 'app,*']) {
  test(`${value.slice(0, 20)} resolves the recorded reference past the cache, and is consumed`, () => {
    const result = refresh({ value });
    assert.deepEqual(result.asked, [`past-cache ${NGINX}`]);
    assert.equal(result.images['app'], `nginx@${B}`);
    assert.ok(isGone(result));
    assert.equal(
      result.pins,
      record(
        {
          'containers/app': [
            ['nginx:1.27', B],
            ['nginx:1.27', A],
          ],
        },
        [value],
      ),
    );
    assert.match(result.warnings[0] ?? '', /pinned to/);
  });
}

test('CREATE: the annotation is removed, and not honoured', () => {
  const object = deployment({ app: 'nginx:1.27' }, { annotations: { 'tagpin.dev/refresh': '*' } });
  const result = admit({ object, registry: { [NGINX]: A } });
  assert.ok(isGone(result));
  assert.deepEqual(result.asked, [NGINX]);
  assert.equal(result.pins, record(APP));
});

test('the same value twice is honoured once, also where only the submitted record knows it', () => {
  const result = refresh({ value: '*', refreshed: ['*'] });
  assert.deepEqual(result.asked, []);
  assert.ok(isGone(result));
  assert.equal(result.images['app'], `nginx@${A}`);
  const annotations = { 'tagpin.dev/pins': record(APP, ['*']), 'tagpin.dev/refresh': '*' };
  const undone = admit({
    object: deployment({ app: `nginx@${A}` }, { annotations }),
    oldObject: deployment({ app: `nginx@${A}` }, { annotations: { 'tagpin.dev/pins': record(APP) } }),
  });
  assert.deepEqual(undone.asked, []);
});

test('a value that is kept in git does not make the workload float: the manifest with its tag keeps the pin', () => {
  const result = refresh({ value: '*', refreshed: ['*'], images: { app: 'nginx:1.27' } });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.deepEqual(result.asked, []);
});

test('five values are remembered, newest first', () => {
  const result = refresh({ value: 'app;6', refreshed: ['app;5', 'app;4', 'app;3', 'app;2', 'app;1'] });
  assert.deepEqual(JSON.parse(result.pins ?? '{}').refreshed, ['app;6', 'app;5', 'app;4', 'app;3', 'app;2']);
});

test('a digest that is still the same gives the stored bytes and no new pair', () => {
  const result = refresh({ value: '*', registry: { [NGINX]: A }, policy: 'defaults: {format: tag+digest}' });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, record(APP, ['*']));
  assert.match(result.warnings[0] ?? '', /still means/);
});

test('a submitted tag that is the recorded one is refreshed as well', () => {
  assert.equal(refresh({ value: 'app', images: { app: 'nginx:1.27' } }).images['app'], `nginx@${B}`);
});

test('a refresh beats memory', () => {
  const table: RecordTable = {
    'containers/app': [
      ['nginx:1.28', C],
      ['nginx:1.27', A],
    ],
  };
  const result = refresh({ value: 'app', table, stored: { app: `nginx@${C}` }, images: { app: 'nginx:1.27' } });
  assert.equal(result.images['app'], `nginx@${B}`);
});

test('floating adopts what has no digest yet, and nothing else', () => {
  const stored = { app: `nginx@${A}`, side: 'busybox:1' };
  const result = refresh({ value: 'floating', stored, registry: { 'docker.io/library/busybox:1': C } });
  assert.deepEqual(result.images, { app: `nginx@${A}`, side: `busybox@${C}` });
  assert.deepEqual(result.asked, ['past-cache docker.io/library/busybox:1']);
});

test('floating leaves a recorded tag that git sends again alone', () => {
  const result = refresh({ value: 'floating', images: { app: 'nginx:1.27' } });
  assert.deepEqual(result.asked, []);
  assert.match(result.warnings[0] ?? '', /no image floats/);
});

test('* adopts what floats, too', () => {
  const stored = { app: 'nginx:1.27' };
  assert.equal(refresh({ value: '*', stored, table: {} }).images['app'], `nginx@${B}`);
});

test('an expected digest that the registry does not name leaves the pin, with a warning, and counts as honoured', () => {
  const result = refresh({ value: `app=${C}` });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.match(result.warnings[0] ?? '', /not the expected digest/);
  assert.equal(result.pins, record(APP, [`app=${C}`]));
});

test('all named slots of one reference move together', () => {
  const stored = { app: `nginx@${A}`, two: `nginx@${A}` };
  const table: RecordTable = { ...APP, 'containers/two': [['nginx:1.27', A]] };
  assert.deepEqual(refresh({ value: `app=${C},two`, stored, table }).images, stored);
  assert.deepEqual(refresh({ value: `app=${B},two`, stored, table }).images, { app: `nginx@${B}`, two: `nginx@${B}` });
});

test('refreshing only some containers of one reference warns', () => {
  const stored = { app: `nginx@${A}`, two: `nginx@${A}` };
  const table: RecordTable = { ...APP, 'containers/two': [['nginx:1.27', A]] };
  const result = refresh({ value: 'app', stored, table });
  assert.deepEqual(result.images, { app: `nginx@${B}`, two: `nginx@${A}` });
  assert.match(result.warnings[0] ?? '', /^two: not refreshed, though another container/);
});

// [value, part of the warning]: nothing is refreshed, and there is something to read
const bad = [
  ['nobody', 'there is no nobody, only app'],
  ['app,nobody', 'there is no nobody'],
  ['volumes/app', 'there is no volumes/app'],
  ['', 'it names nothing'],
  [';text', 'it names nothing'],
  [`*=${B}`, '\\* takes no digest'],
  [`floating=${B}`, 'floating takes no digest'],
  ['app=latest', 'app= wants a digest'],
  ['app=sha256:abc', 'app= wants a digest'],
  ['app=', 'app= wants a digest'],
  [`app=${B},app=${C}`, 'named twice'],
] as const;

for (const [value, warning] of bad) {
  test(`${JSON.stringify(value.slice(0, 24))}: nothing is refreshed, and the warning says why`, () => {
    const result = refresh({ value });
    assert.deepEqual(result.asked, []);
    assert.equal(result.images['app'], `nginx@${A}`);
    assert.match(result.warnings[0] ?? '', new RegExp(warning));
    assert.ok(isGone(result));
    assert.equal(result.pins, record(APP, [value]), 'a value that only warned counts as honoured');
  });
}

test('a value of more than 1024 characters is removed, and not remembered', () => {
  const result = refresh({ value: `*;${'x'.repeat(1100)}` });
  assert.ok(isGone(result));
  assert.equal(result.pins, record(APP));
  assert.match(result.warnings[0] ?? '', /1024/);
});

for (const code of ['Unreachable', 'Timeout', 'RateLimited', 'InvalidResponse'] as const) {
  test(`a registry that gives no answer (${code}) leaves the pin, and the value may be tried again`, () => {
    const result = refresh({
      value: '*',
      registry: { [NGINX]: { code, lastKnown: C } },
      policy: 'defaults: {onUnresolved: deny}',
    });
    assert.equal(result.allowed, true);
    assert.equal(result.images['app'], `nginx@${A}`);
    assert.equal(result.pins, record(APP));
    assert.match(result.warnings[0] ?? '', /not refreshed/);
  });
}

test('a registry that says no leaves the pin, and the value counts as honoured', () => {
  const result = refresh({ value: '*', registry: { [NGINX]: 'NotFound' } });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(result.pins, record(APP, ['*']));
});

test('what floats and can not be resolved floats on: a refresh never denies', () => {
  const result = refresh({
    value: 'floating',
    stored: { app: 'nginx:1.27' },
    table: {},
    registry: { [NGINX]: 'Unreachable' },
    policy: 'defaults: {onUnresolved: deny}',
  });
  assert.equal(result.allowed, true);
  assert.equal(result.images['app'], 'nginx:1.27');
});

test('a digest that differs from the stored one (rollout undo) is left, and warned about where it is named', () => {
  const table: RecordTable = {
    'containers/app': [
      ['nginx:1.28', C],
      ['nginx:1.27', A],
    ],
  };
  const result = refresh({ value: 'app', table, stored: { app: `nginx@${C}` }, images: { app: `nginx@${A}` } });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.deepEqual(result.asked, []);
  assert.match(result.warnings[0] ?? '', /changed in the same request/);
});

test('a digest by hand has no recorded reference to resolve', () => {
  const result = refresh({ value: 'app', table: {}, stored: { app: `nginx@${A}` } });
  assert.deepEqual(result.asked, []);
  assert.match(result.warnings[0] ?? '', /set by hand/);
});

test('skip wins over a refresh', () => {
  const result = refresh({ value: 'app', extra: { 'tagpin.dev/skip': 'app' } });
  assert.deepEqual(result.asked, []);
  assert.equal(result.images['app'], `nginx@${A}`);
});

test('a rule that denies the recorded tag today leaves the pin: a refresh never denies', () => {
  const result = refresh({ value: 'app', policy: 'rules: [{name: r, match: {tags: ["1.27"]}, action: deny}]' });
  assert.equal(result.allowed, true);
  assert.deepEqual(result.asked, []);
  assert.equal(result.images['app'], `nginx@${A}`);
});

test('a reinvocation of a refresh changes nothing', () => {
  const oldObject = deployment(
    { app: `nginx@${A}` },
    { annotations: { 'tagpin.dev/pins': record(APP, ['app;1', 'app;0']) } },
  );
  const first = refresh({ value: 'app;2', refreshed: ['app;1', 'app;0'] });
  const again = admit({ object: first.object, oldObject, registry: { [NGINX]: B } });
  assert.deepEqual(again.operations, []);
});

test('a refresh of an init container and of a volume names their lists', () => {
  const stored = { 'initContainers/setup': `nginx@${A}`, 'volumes/data': `nginx@${A}` };
  const table: RecordTable = { 'initContainers/setup': [['nginx:1.27', A]], 'volumes/data': [['nginx:1.27', A]] };
  const result = refresh({ value: 'setup,volumes/data', stored, table });
  assert.deepEqual(result.images, { 'initContainers/setup': `nginx@${B}`, 'volumes/data': `nginx@${B}` });
});

test('a value that was honoured is no refresh', () => {
  const context = { stored: { refreshed: ['*'] }, submitted: { refreshed: [] } } as unknown as PlanContext;
  assert.equal(planRefresh('*', [], context), NO_REFRESH);
});

test('a changed repository is pinned as it was written, also where its digest is the same', () => {
  const same = refresh({
    value: '*',
    images: { app: 'mirror.io/nginx:1.27' },
    registry: { 'mirror.io/nginx:1.27': A },
  });
  assert.equal(same.images['app'], `mirror.io/nginx@${A}`);
  const digest = refresh({ value: 'app', images: { app: `mirror.io/nginx@${A}` } });
  assert.equal(digest.images['app'], `mirror.io/nginx@${A}`);
  assert.match(digest.warnings[0] ?? '', /changed in the same request/);
});

test('a changed tag that can not be resolved is denied with a refresh as it is without', () => {
  const policy = 'defaults: {onUnresolved: deny}';
  assert.equal(refresh({ value: 'app', images: { app: 'nginx:9' }, policy }).allowed, false);
});

test('an undone digest is told also to who refreshes all', () => {
  const table: RecordTable = {
    'containers/app': [
      ['nginx:1.28', C],
      ['nginx:1.27', A],
    ],
  };
  const result = refresh({ value: '*', table, stored: { app: `nginx@${C}` }, images: { app: `nginx@${A}` } });
  assert.match(result.warnings[0] ?? '', /changed in the same request/);
});

test('a new container of a refreshed reference gets what the refresh found', () => {
  const result = refresh({ value: 'app', images: { app: `nginx@${A}`, more: 'nginx:1.27' } });
  assert.deepEqual(result.images, { app: `nginx@${B}`, more: `nginx@${B}` });
  assert.deepEqual(result.asked, [`past-cache ${NGINX}`]);
});

test('a container that a refresh of all leaves behind is told of, one that nothing moved away from is not', () => {
  const stored = { app: `nginx@${A}`, two: `nginx@${A}` };
  const table: RecordTable = { ...APP, 'containers/two': [['nginx:1.27', A]] };
  const silent = refresh({ value: 'app', stored, table, registry: { [NGINX]: 'Unreachable' } });
  assert.ok(!silent.warnings.some((warning) => warning.includes('another container')));
  const changed = refresh({ value: 'app', stored, table, images: { app: `nginx@${A}`, two: `nginx@${C}` } });
  assert.ok(!changed.warnings.some((warning) => warning.includes('another container')));
});

test('while a refresh waits for its answer nothing else is asked', () => {
  const table: RecordTable = {
    'containers/app': [
      ['nginx:1.28', C],
      ['nginx:1.27', A],
    ],
  };
  const result = refresh({ value: 'app', table, stored: { app: `nginx@${C}` }, images: { app: 'nginx:1.27' } });
  assert.deepEqual(result.asked, [`past-cache ${NGINX}`]);
});
