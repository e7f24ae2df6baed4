import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Manifest, Path } from '../../../src/core/manifest/document.ts';
import { editManifest } from '../../../src/core/manifest/edit.ts';
import { readManifest } from '../../../src/core/manifest/read.ts';

const PINNED = `nginx@sha256:${'0a'.repeat(32)}`;

function manifestOf(text: string): Manifest {
  const read = readManifest(text);
  assert.ok(read.ok, read.ok ? '' : `${read.problem.message} in ${text}`);
  return read.manifest;
}

function edited(text: string, ...paths: readonly Path[]): string {
  const edits = paths.map(([document, ...path]) => ({ document: Number(document), path, value: PINNED }));
  const result = editManifest(manifestOf(text), edits);
  return result.ok ? result.text : `${result.problem.line}:${result.problem.column}: ${result.problem.message}`;
}

// [name, before, places, after, in which @ stands for the new value]
const good: readonly (readonly [string, string, readonly Path[], string])[] = [
  ['a plain value, its comment and spaces', 'a:   b:1   # why\n', [[0, 'a']], 'a:   @   # why\n'],
  ['single quotes', "a: 'b:1'\n", [[0, 'a']], "a: '@'\n"],
  ['double quotes', 'a: "b:\\x31" # why', [[0, 'a']], 'a: "@" # why'],
  ['double quotes over several lines', 'a: "b\\\n  c"\nd: 1\n', [[0, 'a']], 'a: "@"\nd: 1\n'],
  ['a literal block', 'a: |-\n    b:1\n\nc: 1\n', [[0, 'a']], 'a: |-\n    @\n\nc: 1\n'],
  ['a folded block', 'a: >-\n  b:1\nc: 1\n', [[0, 'a']], 'a: >-\n  @\nc: 1\n'],
  [
    'a flow mapping',
    '{a: b, c: [d,e]}\n',
    [
      [0, 'a'],
      [0, 'c', 1],
    ],
    '{a: @, c: [d,@]}\n',
  ],
  ['JSON with tabs', '{\n\t"a":"b"\t,\r\n\t"c" : 1}', [[0, 'a']], '{\n\t"a":"@"\t,\r\n\t"c" : 1}'],
  ['JSON behind JSON', '{"a":"b"}{"a":"b"}', [[1, 'a']], '{"a":"b"}{"a":"@"}'],
  ['line ends of Windows', '# x\r\na: b\r\nc: d\r\n', [[0, 'a']], '# x\r\na: @\r\nc: d\r\n'],
  ['a byte order mark', '\uFEFFa: b\n', [[0, 'a']], '\uFEFFa: @\n'],
  ['no line end', 'a: b', [[0, 'a']], 'a: @'],
  ['tabs between', 'a:\tb\t# c\n', [[0, 'a']], 'a:\t@\t# c\n'],
  ['end marks', 'a: b\n...\n---\na: b\n...\n', [[1, 'a']], 'a: b\n...\n---\na: @\n...\n'],
  ['explicit keys', '? a\n: b\n', [[0, 'a']], '? a\n: @\n'],
  ['a tag', 'a: !!str b\n', [[0, 'a']], 'a: !!str @\n'],
  ['odd indentation', 'a:\n      - b: c\n        d: 1\n', [[0, 'a', 0, 'b']], 'a:\n      - b: @\n        d: 1\n'],
  [
    'a shared text, all of whose places are named',
    'a: &i b\nc: *i\n',
    [
      [0, 'a'],
      [0, 'c'],
    ],
    'a: &i @\nc: *i\n',
  ],
  ['an alias alone', 'a: &i b\nc: *i # x\n', [[0, 'c']], 'a: &i b\nc: @ # x\n'],
  ['an alias in a flow list', 'a: &i b\nc: [*i , *i]\n', [[0, 'c', 1]], 'a: &i b\nc: [*i , @]\n'],
  [
    'a shared mapping',
    'a: &m {i: b}\nc: *m\n',
    [
      [0, 'a', 'i'],
      [0, 'c', 'i'],
    ],
    'a: &m {i: @}\nc: *m\n',
  ],
  [
    'a merged mapping',
    '- &m {i: b}\n- {<<: *m, n: 1}\n',
    [
      [0, 0, 'i'],
      [0, 1, 'i'],
    ],
    '- &m {i: @}\n- {<<: *m, n: 1}\n',
  ],
  ['what stands over a merge', '- &m {i: b}\n- {<<: *m, i: b}\n', [[0, 1, 'i']], '- &m {i: b}\n- {<<: *m, i: @}\n'],
  [
    'an anchor used again',
    'a: &i b\nc: *i\nd: &i e\nf: *i\n',
    [
      [0, 'd'],
      [0, 'f'],
    ],
    'a: &i b\nc: *i\nd: &i @\nf: *i\n',
  ],
];

for (const [name, before, places, after] of good) {
  test(`the value changes and nothing else does: ${name}`, () => {
    const expected = after.replaceAll('@', PINNED);
    assert.equal(edited(before, ...places), expected);
    // Once more says the same.
    assert.equal(edited(expected, ...places), expected);
  });
}

// [name, before, places, the problem]
const bad: readonly (readonly [string, string, readonly Path[], RegExp])[] = [
  ['nothing is there', 'a: b\n', [[0, 'c']], /^1:1: there is no text at c$/],
  ['no text is there', 'a: 1\n', [[0, 'a']], /no text at a/],
  ['there is no such document', 'a: b\n', [[1, 'a']], /no text at a/],
  [
    'what is anchored is shared with what is to stay',
    'x: 1\na: &i b\nc: *i\n',
    [[0, 'a']],
    /^2:7: a shares its text with c, which is to stay/,
  ],
  [
    'a merge shares it with what is to stay',
    'x: &m {i: b}\ny:\n- {<<: *m}\n',
    [[0, 'y', 0, 'i']],
    /^1:11: y\[0\]\.i shares its text with x\.i/,
  ],
  ['a block of several lines', 'a: |\n  b\n  c\n', [[0, 'a']], /^1:4: a is written in a way that cannot hold/],
  ['a block with a line end of its own', 'a: |\n  b\n', [[0, 'a']], /would not say .* at a/],
  ['a tag that is no text', 'a: !!float b\n', [[0, 'a']], /./],
  [
    'more aliases than there is time for',
    `l0: &l0 b\n${Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}]\n`).join('')}a: b\n`,
    [[0, 'a']],
    /more values than can be compared/,
  ],
];

for (const [name, before, places, problem] of bad) {
  test(`nothing is edited where ${name}`, () => {
    assert.match(edited(before, ...places), problem);
  });
}

test('one text cannot get two values', () => {
  const manifest = manifestOf('a: &i b\nc: *i\n');
  const values = editManifest(manifest, [
    { document: 0, path: ['a'], value: 'v' },
    { document: 0, path: ['c'], value: 'w' },
  ]);
  assert.deepEqual(values, { ok: true, text: 'a: &i v\nc: w\n' });
  const merged = editManifest(manifestOf('- &m {i: b}\n- {<<: *m}\n'), [
    { document: 0, path: [0, 'i'], value: 'x' },
    { document: 0, path: [1, 'i'], value: 'y' },
  ]);
  assert.ok(!merged.ok);
  assert.match(merged.problem.message, /another value/);
});

test('no edit is no change, whatever stands there', () => {
  assert.deepEqual(editManifest(manifestOf('a: |\n x\n y\n'), []), { ok: true, text: 'a: |\n x\n y\n' });
});

const image = fc.constantFrom('nginx', 'nginx:1.27', 'localhost:5000/a/b:c', `a/b@sha256:${'b'.repeat(64)}`);
const comment = fc.constantFrom('', ' # why', '   # a: "b" \'c\'');

/** An entry of a block list of mappings in one of the ways that people write it, indented by two. */
const entry = fc
  .tuple(
    image,
    comment,
    fc.constantFrom(...(['plain', 'single', 'double', 'literal', 'folded', 'flow', 'explicit', 'tag'] as const)),
  )
  .map(([text, comment, style]) => {
    switch (style) {
      case 'single':
        return [`  - image: '${text}'${comment}`];
      case 'double':
        return [`  - image:   "${text}"${comment}`];
      case 'literal':
        return [`  - image: |-${comment}`, `      ${text}`, ''];
      case 'folded':
        return [`  - image: >-`, `     ${text}`, ''];
      case 'flow':
        return [`  - {name: x,image: ${text}, "b": [1, "${text}"]}${comment}`];
      case 'explicit':
        return [`  - ? image`, `    : ${text}${comment}`];
      case 'tag':
        return [`  - image: !!str ${text}${comment}`, '    name: "y"'];
      case 'plain':
        return [`  -   image:\t${text}${comment}`, `      other: ${text}`];
    }
  });

const stream = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF'),
    end: fc.constantFrom('\n', '\r\n'),
    last: fc.boolean(),
    documents: fc.array(fc.array(entry, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  })
  .map(({ mark, end, last, documents }) => ({
    counts: documents.map((entries) => entries.length),
    text: `${mark}${documents.map((entries) => ['# head', 'list:', ...entries.flat(), 'tail: 1'].join(end)).join(`${end}---${end}`)}${last ? end : ''}`,
  }));

test('for all ways to write it, values differ at the named places only, and all other lines are the same bytes', () => {
  fc.assert(
    fc.property(stream, fc.infiniteStream(fc.boolean()), ({ text, counts }, chosen) => {
      const manifest = manifestOf(text);
      const edits = counts
        .flatMap((count, document) =>
          Array.from({ length: count }, (_, index) => ({ document, path: ['list', index, 'image'], value: PINNED })),
        )
        .filter(() => chosen.next().value);
      const result = editManifest(manifest, edits);
      assert.ok(result.ok, result.ok ? '' : `${result.problem.message}\n${text}`);
      const expected = structuredClone(manifest.documents.map(({ value }) => value)) as { list: { image: string }[] }[];
      for (const { document, path } of edits) {
        const target = expected[document]?.list[Number(path[1])];
        if (target !== undefined) target.image = PINNED;
      }
      const after = manifestOf(result.text);
      assert.equal(JSON.stringify(after.documents.map(({ value }) => value)), JSON.stringify(expected));
      const [before, now] = [text.split('\n'), result.text.split('\n')];
      assert.equal(before.length, now.length);
      assert.equal(
        before.filter((line, index) => line !== now[index]).length,
        edits.filter(({ document, path }) => manifest.documents[document]?.textAt(path)?.value !== PINNED).length,
      );
      assert.equal(result.text.replaceAll(PINNED, '').length, result.text.length - edits.length * PINNED.length);
      const again = editManifest(after, edits);
      assert.equal(again.ok && again.text, result.text);
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test('for arbitrary text, what is edited reads as intended, or nothing is edited', () => {
  const keys = ['a: ', 'b: ', '  b: ', '- ', '- a: ', '? a\n: ', '  - ', 'c:\t', ''];
  const values = [
    'x',
    '&i x',
    '*i',
    '&m {b: x}',
    '*m',
    '{<<: *m}',
    '|-\n   x',
    '>\n x\n y',
    '[x, *i]',
    '{b: x}',
    '"x',
    'x"',
    "'x'",
  ];
  const line = fc
    .tuple(
      fc.constantFrom(...keys),
      fc.constantFrom(...values, '!!str x', '! x', '!t x', '\\', '#', ''),
      fc.constantFrom('', ' # c', ' ', '\r'),
    )
    .map((parts) => parts.join(''));
  let edits = 0;
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n')),
      (text) => {
        const read = readManifest(text);
        if (!read.ok) return;
        for (const path of [['a'], ['b'], ['a', 'b'], [0], [0, 'a'], ['a', 0]]) {
          const result = editManifest(read.manifest, [{ document: 0, path, value: PINNED }]);
          if (!result.ok) continue;
          edits += 1;
          assert.equal(manifestOf(result.text).documents[0]?.textAt(path)?.value, PINNED, text);
        }
      },
    ),
    { seed: 1, numRuns: 3000 },
  );
  assert.ok(edits > 100, `${edits} edits`);
});
