import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { type Change, changeManifest } from '../../../src/core/manifest/change.ts';
import type { Path } from '../../../src/core/manifest/document.ts';
import { readManifest } from '../../../src/core/manifest/read.ts';

function changed(text: string, ...changes: readonly Change[]): string {
  const result = changeManifest(text, changes);
  return result.ok ? result.text : `${result.problem.line}:${result.problem.column}: ${result.problem.message}`;
}

const set = (value: string, ...path: Path): Change => ({ kind: 'set', path, value });
const remove = (key: string, ...path: Path): Change => ({ kind: 'remove', path, key });

// [name, before, change, after]
const good: readonly (readonly [string, string, Change, string])[] = [
  ['a number becomes a text', 'a: 1.1 # why\n', set('1.10', 'a'), 'a: "1.10" # why\n'],
  ['a version needs no quotes', 'a: 1.27.2\n', set('1.27.3', 'a'), 'a: 1.27.3\n'],
  ['nothing becomes a text', 'a:\nb: 1\n', set('v1', 'a'), 'a: v1\nb: 1\n'],
  ['nothing but a comment becomes a text', 'a: # why\n', set('v1', 'a'), 'a: v1 # why\n'],
  ['nothing in brackets becomes a text', '{a: , b: 1}\n', set('v1', 'a'), '{a: v1 , b: 1}\n'],
  ['null becomes a text', 'a: ~\n', set('v1', 'a'), 'a: v1\n'],
  ['nothing at the end becomes a text', 'a:', set('v1', 'a'), 'a: v1'],
  ['single quotes stay', "a: '1' # x\r\n", set('2', 'a'), "a: '2' # x\r\n"],
  ['what YAML takes for a number is quoted', 'a: v1\n', set('123e4567', 'a'), 'a: "123e4567"\n'],
  ['a block keeps its shape', 'a: >-\n  v1\nb: 1\n', set('v2', 'a'), 'a: >-\n  v2\nb: 1\n'],
  ['a key goes, with its line', 'a:\n  b: 1\n  c: 2 # x\n  d: 3\n', remove('c', 'a'), 'a:\n  b: 1\n  d: 3\n'],
  ['the last key goes', 'a:\n- b: 1\n  c: 2', remove('c', 'a', 0), 'a:\n- b: 1\n'],
  ['the first key of an item goes', 'a:\n- b: 1\n  c: 2\n', remove('b', 'a', 0), 'a:\n- c: 2\n'],
  ['a key of brackets goes', 'a: {b: 1, c: 2 , d: 3}\n', remove('c', 'a'), 'a: {b: 1 , d: 3}\n'],
  ['the first key of brackets goes', 'a: {b: 1, c: 2}\n', remove('b', 'a'), 'a: {c: 2}\n'],
];

for (const [name, before, change, after] of good) {
  test(`${name}, and nothing else changes`, () => {
    assert.equal(changed(before, change), after);
  });
}

// [name, before, change, the problem]
const bad: readonly (readonly [string, string, Change, RegExp])[] = [
  ['an alias', 'a: &x 1\nb: *x\n', set('2', 'b'), /^2:4: b is written somewhere else, behind the alias \*x/],
  ['what lies below an alias', 'a: &x {c: 1}\nb: *x\n', set('2', 'b', 'c'), /^2:4: b\.c is written somewhere else/],
  ['what a merge key brings', 'a: &x {c: 1}\nb: {<<: *x}\n', set('2', 'b', 'c'), /^2:5: b\.c .* behind a merge key/],
  [
    'what others take by an alias',
    'a: &x 1\nb: *x\n',
    set('2', 'a'),
    /^1:7: a shares its text with b, which is to stay/,
  ],
  [
    'a mapping that others share',
    'a: &x {c: 1}\nb: *x\n',
    { kind: 'add', path: ['a'], key: 'd', value: 'v' },
    /shares/,
  ],
  ['several documents', 'a: 1\n---\nb: 1\n', set('2', 'a'), /^1:1: it holds several documents/],
  ['a list', 'a: [1]\n', set('2', 'a'), /^1:4: a is a list, not a text/],
  ['a mapping', 'a:\n  b: 1\n', set('2', 'a'), /^2:3: a is a mapping, not a text/],
  ['a block of several lines', 'a: |\n  b\n  c\n', set('2', 'a'), /^1:4: a is written in a way that cannot hold 2/],
  ['what is not there', 'a: 1\n', set('2', 'b'), /^1:1: there is nothing at b/],
  ['what is no YAML', 'a: [\n', set('2', 'a'), /^\d+:\d+: /],
  ['a key that stands there twice', 'a: 1\na: 2\n', set('2', 'a'), /twice/],
  ['all that there is', 'a: {b: 1}\n', remove('b', 'a'), /^1:5: a\.b is all there is of a/],
  ['a key that is not there', 'a: {b: 1}\n', remove('c', 'a'), /there is no a\.c/],
  ['a mapping for a list', 'a: {b: 1}\n', { kind: 'append', path: ['a'], value: 'v' }, /^1:4: a is no list/],
  ['a list for a mapping', 'a: [1]\n', { kind: 'add', path: ['a'], key: 'b', value: 'v' }, /^1:4: a is no mapping/],
  ['a key without a colon', '{a}\n', set('v', 'a'), /behind an unusual key/],
];

for (const [name, before, change, problem] of bad) {
  test(`nothing is changed where it would touch ${name}`, () => {
    assert.match(changed(before, change), problem);
  });
}

test('changes follow each other: a mapping is made, then its next key', () => {
  const after = changed(
    'b: 1\n',
    { kind: 'add', path: [], key: 'image', value: { entries: [['tag', '1.10']] } },
    { kind: 'add', path: ['image'], key: 'digest', value: 'sha256:0a' },
    set('2', 'b'),
    set('1.11', 'image', 'tag'),
  );
  assert.equal(after, 'b: "2"\nimage:\n  tag: "1.11"\n  digest: "sha256:0a"\n');
});

test('no change is no change, whatever stands there', () => {
  assert.equal(changed('a: 1 # x'), 'a: 1 # x');
});

const key = fc.constantFrom('a', 'b', 'image', 'tag', 'x-y', 'on', '1', 'a.b', 'ö', '"', "it's");
const text = fc.oneof(
  fc.constantFrom(
    '1.10',
    'yes',
    'null',
    'v1',
    '',
    ' ',
    'a: b',
    '# no',
    'sha256:0a',
    'x\n  evil: 1',
    '- a',
    '{',
    '*a',
    "'",
    '"',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(text, fc.integer(), fc.boolean()),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
}));
const root = fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 });
const style = fc.record({
  indent: fc.constantFrom(1, 2, 4),
  indentSeq: fc.boolean(),
  collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
  defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_SINGLE' as const, 'QUOTE_DOUBLE' as const),
  lineWidth: fc.constantFrom(0, 40),
});
const dress = fc.record({
  lineEnd: fc.constantFrom('\n', '\r\n'),
  comments: fc.boolean(),
  end: fc.boolean(),
  json: fc.boolean(),
});

/** Every place of a value, and what it is. */
function places(at: unknown, path: Path = []): readonly (readonly [Path, unknown])[] {
  const inner: readonly (readonly [string | number, unknown])[] = Array.isArray(at)
    ? [...at.entries()]
    : typeof at === 'object' && at !== null
      ? Object.entries(at)
      : [];
  return [[path, at], ...inner.flatMap(([step, child]) => places(child, [...path, step]))];
}

function valueOf(text: string): unknown {
  const read = readManifest(text);
  assert.ok(read.ok, text);
  // What has no prototype is compared as JSON has it.
  return JSON.parse(JSON.stringify(read.manifest.documents[0]?.value ?? null));
}

test('whatever is changed in whatever text, the result says that and nothing else, and keeps every other byte', () => {
  let done = 0;
  let refused = 0;
  fc.assert(
    fc.property(root, style, dress, text, fc.nat(), (object, how, { lineEnd, comments, end, json }, next, choice) => {
      const written = json ? JSON.stringify(object, null, how.indent) : stringify(object, how);
      const dressed = written
        .trimEnd()
        .split('\n')
        .map((line) => (comments && !json && /^ *(?:- )*[a-z]+: (?:[a-z0-9]+)?$/.test(line) ? `${line} # why` : line))
        .join(lineEnd);
      const before = dressed + (end ? lineEnd : '');
      const options = places(valueOf(before)).slice(1);
      const [path, there] = options[choice % Math.max(1, options.length)] ?? [[], {}];
      const isNew = typeof there === 'object' && there !== null;
      const change: Change = Array.isArray(there)
        ? {
            kind: 'append',
            path,
            value: {
              entries: [
                ['name', next],
                ['list', [next, true]],
              ],
            },
          }
        : isNew
          ? { kind: 'add', path, key: 'a key that is new', value: { entries: [['value', next]] } }
          : { kind: 'set', path, value: next };
      const result = changeManifest(before, [change]);
      if (!result.ok) {
        // Blocks of several lines, and lines that other readers break elsewhere.
        refused += 1;
        assert.match(result.problem.message, /in a way that cannot hold|would not|which is to stay|read again/);
        return;
      }
      done += 1;
      assert.deepEqual(valueOf(result.text), expected(valueOf(before), change, next));
      if (isNew) assert.equal(kept(before, result.text), before.length);
    }),
    { seed: 5, numRuns: 400 },
  );

  assert.ok(done > 390, `${done} done, ${refused} refused`);
});

/** How many bytes stand before and behind the place where two texts differ. */
function kept(before: string, after: string): number {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return start + end;
}

/** What should be read, made without the code that is tried. */
function expected(before: unknown, { path, kind }: Pick<Change, 'path' | 'kind'>, next: string): unknown {
  const [step, ...rest] = path;
  if (step !== undefined) {
    const inner = expected((before as Record<string | number, unknown>)[step], { kind, path: rest }, next);
    return Array.isArray(before) ? before.with(Number(step), inner) : { ...(before as object), [step]: inner };
  }
  if (kind === 'set') return next;
  return kind === 'append'
    ? [...(before as unknown[]), { name: next, list: [next, true] }]
    : { ...(before as object), 'a key that is new': { value: next } };
}
