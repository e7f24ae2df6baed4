import assert from 'node:assert/strict';
import test from 'node:test';
import { type AdoptingImage, readAdopted } from '../../../../src/core/target/workload/adopt-from.ts';
import { digestOf } from '../../../support/planned-target.ts';

const A = digestOf('a');
const API = { key: 'api', container: 'api', env: null };
const VARIABLE = { key: 'api/DIGEST', container: 'api', env: 'DIGEST' };
const WEB = { key: 'web', container: 'web', env: null };

function read(
  text: string,
  images: readonly AdoptingImage[] = [API],
  more: Readonly<Record<string, string>> = { last: A, other: `ghcr.io/acme/app@${A}` },
) {
  const { adopted, problems } = readAdopted(
    { metadata: { annotations: { 'tagpin.dev/adopt-from': text, ...more } } },
    images,
  );
  const texts = adopted.map((each) =>
    each.kind === 'digest' ? each.digest : each.kind === 'problem' ? each.problem : null,
  );
  return [texts, problems.map(({ name, problem }) => `${name}: ${problem}`)] as const;
}

test('a key alone is the only image’s baseline; a reference by digest is one, too', () => {
  assert.deepEqual(read('last'), [[A], []]);
  assert.deepEqual(read('other'), [[A], []]);
  assert.deepEqual(read(' '), [[null], []]);
});

test('several are named: by their key, else by their variable, else by their container', () => {
  assert.deepEqual(read('api=last,DIGEST=other', [API, VARIABLE]), [[A, A], []]);
  assert.deepEqual(read('api=last', [API, VARIABLE]), [[A, null], []]);
  assert.deepEqual(read('api=last', [VARIABLE]), [[A], []]);
});

test('what its former updater never wrote is no baseline', () => {
  assert.deepEqual(read('never'), [[null], []]);
});

// [what is written, what is said of the image, what is said of it all]
const wrong: readonly (readonly [string, RegExp | null, RegExp | null])[] = [
  ['bad', /the annotation bad holds "sha256:nonsense", which is no digest: correct it/, null],
  ['apo=last', null, /"apo" is nothing that is followed: did you mean api\?/],
  ['api=last,api=other', null, /"api" stands there twice/],
  ['api=', null, /"api=" is not CONTAINER_OR_ENV=KEY/],
  ['x'.repeat(5000), /longer than 4096/, null],
];
for (const [text, ofImage, ofAll] of wrong) {
  test(`it says what is wrong with ${text.slice(0, 20)}`, () => {
    const [texts, problems] = read(text, [API], { bad: 'sha256:nonsense', last: A });
    if (ofImage !== null) assert.match(texts[0] ?? '', ofImage);
    if (ofAll !== null) assert.match(problems[0] ?? '', ofAll);
  });
}

test('a key alone is not enough for several images, and a container with two variables is not one', () => {
  assert.match(read('last', [API, WEB])[0][1] ?? '', /is for one image, and there are several: write api=KEY,web=KEY/);
  const two = [VARIABLE, { key: 'api/OTHER', container: 'api', env: 'OTHER' }];
  assert.match(read('api=last', two)[1][0] ?? '', /"api" is more than one: write api\/DIGEST or api\/OTHER/);
});
