import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineCounter, parseDocument } from 'yaml';
import { readValues } from '../../../../src/core/policy/yaml/values.ts';

function read(text: string) {
  const lines = new LineCounter();
  return readValues(parseDocument(text, { lineCounter: lines, uniqueKeys: false }), (offset) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  });
}

function problems(text: string): readonly string[] {
  const result = read(text);
  const found = result.ok ? result.problems : result.errors;
  return found.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

function plain(text: string): unknown {
  const result = read(text);
  assert.ok(result.ok);
  return JSON.parse(JSON.stringify(result.value));
}

test('values are plain, in the core schema of YAML 1.2', () => {
  assert.deepEqual(plain('{a: [1, 1.5, true, yes, null, "1", ~, 2020-01-01], 1: {b: c}}'), {
    a: [1, 1.5, true, 'yes', null, '1', null, '2020-01-01'],
    1: { b: 'c' },
  });
});

test('no key is special', () => {
  const result = read('__proto__: {polluted: yes}\nconstructor: 1\n');
  assert.ok(result.ok);
  assert.deepEqual(Object.keys(result.value as object), ['__proto__', 'constructor']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('an alias is the last anchor of its name before it', () => {
  assert.deepEqual(plain('{a: &x [1], b: *x, c: &x 2, d: *x}'), { a: [1], b: [1], c: 2, d: 2 });
  assert.deepEqual(plain('{&k a: 1, b: *k }'), { a: 1, b: 'a' });
});

test('what a mapping can not hold is told with its place, and the rest stands', () => {
  assert.deepEqual(problems('a: 1\nb: {c: 1, c: 2}\na: 3\n[x]: 4\nd: *e\n'), [
    '2:11 b.c: this key stands here twice',
    '3:1 a: this key stands here twice',
    '4:1 : a key must be plain text',
    '5:4 d: there is no anchor &e before this',
  ]);
  assert.deepEqual(plain('a: 1\na: 3\n'), { a: 1 });
});

test('an alias bomb, a cycle and deep nesting are refused at once', () => {
  const levels = 'abcdefghi'.split('').map((name, index, names) =>
    index === 0
      ? `${name}: &${name} [x, x]`
      : `${name}: &${name} [${Array(10)
          .fill(`*${names[index - 1]}`)
          .join()}]`,
  );
  assert.match(problems(levels.join('\n')).join(), /^\d+:\d+ : the document holds more than 100000 values/);
  assert.match(problems('a: &a [*a]').join(), /^1:\d+ : the document holds values more than 20 levels deep/);
  assert.match(problems(`${'['.repeat(30)}${']'.repeat(30)}`).join(), /more than 20 levels deep/);
});

test('thousands of aliases, or of keys that are all wrong, take no more than their number', () => {
  const started = process.cpuUsage().user;
  const aliases = Array(20_000).fill('*a').join();
  assert.ok(read(`x: &a 1\ny: [${aliases}]\n`).ok);
  const keys = read(Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n'));
  assert.ok(keys.ok);
  for (let index = 0; index < 20_000; index += 1) keys.find([`k${index}`]);
  assert.ok(process.cpuUsage().user - started < 10e6, 'took over ten seconds');
});

test('a path finds the deepest node on its way and the last key', () => {
  const result = read('a: 1\nb:\n  - c: 2\n');
  assert.ok(result.ok);
  assert.equal(result.find(['b', 0, 'c']).node?.range?.[0], 15);
  assert.equal(result.find(['b', 0, 'c']).key?.range?.[0], 12);
  assert.equal(result.find(['b', 0, 'missing']).node?.range?.[0], 12);
  assert.equal(result.find(['b', 7]).node?.range?.[0], 10);
  assert.equal(result.find(['missing']).node?.range?.[0], 0);
  assert.equal(result.find(['a', 'deeper']).key?.range?.[0], 0);
});
