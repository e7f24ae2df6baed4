import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseDigest } from '../../src/core/image/digest.ts';
import type { Resolution } from '../../src/core/image/resolution.ts';
import type { ManifestImage } from '../../src/files/images.ts';
import { parseLock } from '../../src/files/lock.ts';
import {
  type Answers,
  checkImage,
  editsOf,
  extendLock,
  findQuestions,
  type PinRules,
  pinImage,
  unwritten,
} from '../../src/files/pin.ts';
import { editText } from '../../src/files/source.ts';

const A = parseDigest(`sha256:${'a'.repeat(64)}`) ?? assert.fail();
const B = parseDigest(`sha256:${'b'.repeat(64)}`) ?? assert.fail();

function imageOf(image: string, more: Partial<ManifestImage> = {}): ManifestImage {
  return { document: 0, path: ['image'], line: 1, kind: 'Pod', name: 'p', container: 'c', image, leave: null, ...more };
}

function rules(more: Partial<PinRules> = {}): PinRules {
  return { format: 'digest', ask: 'missing', lock: new Map(), ...more };
}

function lockOf(image: string, digest: string) {
  const parsed = parseLock(JSON.stringify({ v: 1, images: { [image]: digest } }));
  return parsed.ok ? parsed.lock : assert.fail(parsed.problem);
}

const NGINX = 'docker.io/library/nginx:1';
const locked = lockOf(NGINX, A);
const found: Resolution = { kind: 'resolved', digest: B, mediaType: null, source: 'registry' };
const failed: Resolution = { kind: 'failed', code: 'NotFound', message: 'is gone', lastKnown: A };

test('each reference is asked once, by its tag, in whatever spelling it occurs', () => {
  const images = [
    'nginx:1',
    'docker.io/nginx:1',
    'index.docker.io/library/nginx:1',
    'nginx',
    'nginx:latest',
    `a@${A}`,
    `b:1@${A}`,
    'bad image',
  ];
  const asked = (more: Partial<PinRules>) =>
    findQuestions(
      images.map((image) => imageOf(image)),
      rules(more),
    ).map(({ text }) => text);
  assert.deepEqual(asked({}), ['nginx:1', 'nginx']);
  assert.deepEqual(asked({ lock: locked }), ['nginx']);
  assert.deepEqual(asked({ lock: locked, ask: 'all' }), ['nginx:1', 'nginx', 'b:1']);
});

test('what is to be left alone is not asked', () => {
  assert.deepEqual(findQuestions([imageOf('nginx', { leave: 'why' })], rules({ ask: 'all' })), []);
});

// [name, image, rules, answer for nginx:1, what it becomes, state]
const cases: readonly (readonly [string, string, Partial<PinRules>, Resolution | null, string | null, string])[] = [
  ['a tag that was answered', 'nginx:1', {}, found, `nginx@${B}`, 'pinned'],
  ['in the other format', 'nginx:1', { format: 'tag+digest' }, found, `nginx:1@${B}`, 'pinned'],
  ['the spelling of the user', 'Docker.io/nginx:1', {}, found, `Docker.io/nginx@${B}`, 'pinned'],
  ['a tag in the lock', 'nginx:1', { lock: locked }, null, `nginx@${A}`, 'pinned'],
  ['a lock that was asked again', 'nginx:1', { lock: locked, ask: 'all' }, found, `nginx@${B}`, 'pinned'],
  ['a lock that could not be asked again', 'nginx:1', { lock: locked, ask: 'all' }, failed, null, 'unresolved'],
  ['a digest alone', `nginx@${A}`, { ask: 'all' }, found, `nginx@${A}`, 'pinned'],
  ['tag and digest', `nginx:1@${A}`, { lock: lockOf(NGINX, B) }, null, `nginx:1@${A}`, 'pinned'],
  ['tag and digest, refreshed', `nginx:1@${A}`, { ask: 'all' }, found, `nginx:1@${B}`, 'pinned'],
  ['tag and digest, not refreshed', `nginx:1@${A}`, { ask: 'all' }, failed, null, 'unresolved'],
  ['a tag that failed', 'nginx:1', {}, failed, null, 'unresolved'],
  ['a tag that was not asked', 'nginx:1', {}, null, null, 'floating'],
  ['what is no reference', 'bad image', {}, found, null, 'unresolved'],
];

for (const [name, image, more, answer, pinned, state] of cases) {
  test(`${name}: ${image} becomes ${pinned ?? state}`, () => {
    const answers: Answers = answer === null ? new Map() : new Map([[NGINX, answer]]);
    const result = pinImage(imageOf(image), answers, rules(more));
    assert.deepEqual([result.pinned, result.state], [pinned, state]);
    assert.equal(result.error === null, state !== 'unresolved');
    assert.deepEqual(
      editsOf([result]).map(({ value }) => value),
      pinned === null || pinned === image ? [] : [pinned],
    );
    // Pinned once more with the same knowledge it stays what it is.
    if (pinned !== null) assert.equal(pinImage(imageOf(pinned), answers, rules(more)).pinned, pinned);
  });
}

test('a failure says why', () => {
  assert.deepEqual(pinImage(imageOf('nginx:1'), new Map([[NGINX, failed]]), rules()).error, {
    code: 'NotFound',
    message: 'is gone',
  });
  assert.equal(pinImage(imageOf('bad image'), new Map(), rules()).error?.code, 'InvalidReference');
});

test('what is to be left alone stays, whatever is known', () => {
  const image = imageOf('nginx:1', { leave: 'why' });
  const result = pinImage(image, new Map([[NGINX, found]]), rules({ lock: locked }));
  assert.deepEqual([result.pinned, result.state, editsOf([result])], [null, 'skipped', []]);
});

test('a check calls floating what has no digest, and says what the lock has for it', () => {
  const check = (image: string) => {
    const { state, pinned } = checkImage(imageOf(image), rules({ lock: locked }));
    return [state, pinned];
  };
  assert.deepEqual(check('nginx:1'), ['floating', `nginx@${A}`]);
  assert.deepEqual(check('nginx'), ['floating', null]);
  assert.deepEqual(check(`nginx@${B}`), ['pinned', `nginx@${B}`]);
  assert.deepEqual(check('bad image'), ['unresolved', null]);
});

test('where the file could not be written, only what would have changed is unresolved', () => {
  const pinned = pinImage(imageOf('nginx:1'), new Map([[NGINX, found]]), rules());
  assert.deepEqual(unwritten(pinned, 'why').error, { code: 'NotWritten', message: 'why' });
  const kept = pinImage(imageOf(`nginx@${A}`), new Map(), rules());
  assert.equal(unwritten(kept, 'why'), kept);
});

test('a lock learns what was answered, and nothing of what failed', () => {
  const extended = extendLock(
    locked,
    new Map<string, Resolution>([
      ['docker.io/library/a:1', found],
      ['docker.io/library/b:1', failed],
    ]),
  );
  assert.deepEqual(
    [...extended],
    [
      [NGINX, A],
      ['docker.io/library/a:1', B],
    ],
  );
  assert.deepEqual([...extendLock(locked, new Map([[NGINX, found]]))], [[NGINX, B]]);
});

test('for all images, pinning twice is pinning once, and only the digest is new', () => {
  const image = fc.stringMatching(/^[a-z]{1,8}(\.io)?(\/[a-z]{1,5}){0,2}(:[a-z0-9.]{1,5})?$/);
  fc.assert(
    fc.property(image, fc.constantFrom('digest', 'tag+digest'), (image, format) => {
      const [question] = findQuestions([imageOf(image)], rules());
      if (question === undefined) return;
      const key = `${question.registry}/${question.repository}:${question.tag ?? 'latest'}`;
      const answers: Answers = new Map([[key, found]]);
      const once = pinImage(imageOf(image), answers, rules({ format }));
      const pinned = once.pinned ?? '';
      assert.ok(pinned.startsWith(question.name) && pinned.endsWith(`@${B}`));
      const edited = editText(`image: ${JSON.stringify(image)}\n`, editsOf([once]));
      assert.deepEqual(edited, { ok: true, text: `image: ${JSON.stringify(pinned)}\n` });
      const again = imageOf(pinned);
      assert.deepEqual(findQuestions([again], rules({ format })), []);
      assert.deepEqual(editsOf([pinImage(again, answers, rules({ format, ask: 'all' }))]), []);
    }),
    { seed: 1, numRuns: 500 },
  );
});
