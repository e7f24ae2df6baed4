import assert from 'node:assert/strict';
import test from 'node:test';
import { findValue, parseValuesPath } from '../../../src/core/write-back/values-path.ts';

const VALUES = {
  image: { tag: '1', list: [{ tag: '2' }, [3]] },
  'image.name': 'literal',
  'image.tag': 'shadowed',
  'a.b': 'dotted',
  inner: { 'c.d': 'deep' },
  none: null,
  text: 'x',
  'list[0]': 'bracket',
};

function found(path: string): string {
  const parsed = parseValuesPath(path);
  if (!parsed.ok) return parsed.problem;
  const placed = findValue(VALUES, parsed.steps);
  switch (placed.kind) {
    case 'there':
      return `${JSON.stringify(placed.path)} = ${JSON.stringify(placed.value)}`;
    case 'missing':
      return `${JSON.stringify(placed.path)} lacks ${placed.keys.join(' ')}`;
    case 'blocked':
      return `${JSON.stringify(placed.path)}: ${placed.problem}`;
  }
}

// [path, what is found]
const cases: readonly (readonly [string, string])[] = [
  ['image.tag', '["image","tag"] = "1"'],
  ['image.list[0].tag', '["image","list",0,"tag"] = "2"'],
  ['image.list[1][0]', '["image","list",1,0] = 3'],
  ['image.name', '["image.name"] = "literal"'],
  ['a.b', '["a.b"] = "dotted"'],
  ['a\\.b', '["a.b"] = "dotted"'],
  ['inner.c.d', '["inner","c.d"] = "deep"'],
  ['none.a.b', '["none"] lacks a b'],
  ['none', '["none"] = null'],
  ['new', '[] lacks new'],
  ['new.a\\.b.c', '[] lacks new a.b c'],
  ['image.digest', '["image"] lacks digest'],
  ['image.list[2].tag', '["image","list"]: the list has 2 items, counted from 0'],
  ['image.list.tag', '["image","list"]: there is a list, name an index of it'],
  ['image[0]', '["image"]: there is no list'],
  ['text.tag', '["text"]: there is no mapping'],
  ['new[0].a', '[]: there is no new: lists are not made'],
  ['constructor', '[] lacks constructor'],
  ['__proto__.x', '[] lacks __proto__ x'],
  ['', '"" has an empty step'],
  ['a..b', '"a..b" has an empty step'],
  ['.a', '".a" has an empty step'],
  ['a.', '"a." has an empty step'],
  ['a[x]', '"a[x]" has an index that is no number: write a.b[0].c'],
  ['a[-1]', '"a[-1]" has an index that is no number: write a.b[0].c'],
  ['a[0', '"a[0" has an index that is no number: write a.b[0].c'],
  ['[0]', '"[0]" has an empty step'],
  ['x'.repeat(2000), 'a path of more than 1024 characters'],
];

for (const [path, expected] of cases) {
  test(`${JSON.stringify(path.slice(0, 40))} leads to ${expected}`, () => {
    assert.equal(found(path), expected);
  });
}
