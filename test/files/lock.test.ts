import assert from 'node:assert/strict';
import test from 'node:test';
import { lockText, parseLock } from '../../src/files/lock.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

test('a lock is sorted, an image a line, and reads back as the same', () => {
  const parsed = parseLock(`{"v":1,"images":{"ghcr.io/a/b:2":"${B}","docker.io/library/nginx:1.27":"${A}"}}`);
  assert.ok(parsed.ok);
  const text = `{\n  "v": 1,\n  "images": {\n    "docker.io/library/nginx:1.27": "${A}",\n    "ghcr.io/a/b:2": "${B}"\n  }\n}\n`;
  assert.equal(lockText(parsed.lock), text);
  assert.deepEqual(parseLock(text), parsed);
});

// [what is written, part of the problem]
const bad: readonly (readonly [string, RegExp])[] = [
  ['', /it is not {"v":1/],
  ['[]', /"v" is missing/],
  ['"x"', /it is not/],
  ['{"v":1}', /it is not/],
  ['{"v":1,"images":[]}', /it is not/],
  ['{"images":{}}', /"v" is missing/],
  ['{"v":2,"images":{}}', /"v" is 2/],
  ['{"v":"1","images":{}}', /"v" is "1"/],
  ['{"v":1,"images":{},"more":1}', /"more" is unknown/],
  ['{"v":1,"images":{}}{}', /it is not/],
  ['{"v":1,\n"images":{\n<<<<<<< HEAD\n', /line 3, column 1: there should be a key/],
  [`{"v":1,"images":{"nginx:1":"${A}"}}`, /"nginx:1" is to be written as "docker\.io\/library\/nginx:1"/],
  [`{"v":1,"images":{"docker.io/library/nginx":"${A}"}}`, /to be written as/],
  [`{"v":1,"images":{"docker.io/library/nginx:1@${A}":"${A}"}}`, /has a digest/],
  [`{"v":1,"images":{"a b":"${A}"}}`, /"a b": the repository/],
  ['{"v":1,"images":{"docker.io/library/nginx:1":"sha256:abc"}}', /is not a digest/],
  ['{"v":1,"images":{"docker.io/library/nginx:1":1}}', /is not a digest/],
  [`{"v":1,"images":{"docker.io/library/a:1":"${A}","docker.io/library/a:1":"${B}"}}`, /twice/],
];

for (const [text, problem] of bad) {
  test(`${JSON.stringify(text.slice(0, 50))} is refused: ${problem.source}`, () => {
    const parsed = parseLock(text);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  });
}

test('names that objects have of themselves are no images', () => {
  const parsed = parseLock('{"v":1,"images":{"__proto__":"x"}}');
  assert.ok(!parsed.ok);
});
