import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  needsFacts,
  parseSelection,
  type SelectionRule,
  type SelectionText,
  selectTag,
} from '../../../src/core/version/select.ts';

const NOTHING: SelectionText = {
  strategy: 'semver',
  constraint: null,
  allowTags: null,
  ignoreTags: null,
  extract: null,
};

function rule(text: Partial<SelectionText>, parts: SelectionRule['versionParts'] = 'any'): SelectionRule {
  const parsed = parseSelection({ ...NOTHING, ...text }, parts);
  return parsed.ok ? parsed.value : assert.fail(parsed.problem);
}

/** As `1.2 1.1 | main NotAVersion`: what may be chosen, best first, and what may not. */
function chosen(tags: readonly string[], text: Partial<SelectionText>, parts: SelectionRule['versionParts'] = 'any') {
  const { selected, candidates } = selectTag(tags, rule(text, parts));
  const accepted = candidates.filter((each) => each.accepted).map(({ tag }) => tag);
  assert.equal(selected, accepted[0] ?? null);
  const refused = candidates.flatMap((each) => (each.accepted ? [] : [`${each.tag} ${each.reason}`]));
  return [accepted.join(' '), ...refused].join(' | ');
}

const SIGNATURE = `sha256-${'0'.repeat(64)}`;

const ROWS: readonly (readonly [string, Partial<SelectionText>, string, string])[] = [
  ['semver takes the highest version', {}, '1.2.0 1.10.0 1.9.0', '1.10.0 1.9.0 1.2.0'],
  ['a range bounds it', { constraint: '1.x' }, '1.2.0 2.0.0 1.9.0', '1.9.0 1.2.0 | 2.0.0 OutOfRange'],
  [
    'a partial version is a range',
    { constraint: '1.17' },
    '1.17.10 1.18.0 1.17.9',
    '1.17.10 1.17.9 | 1.18.0 OutOfRange',
  ],
  ['a full version is itself', { constraint: '1.17.10' }, '1.17.10 1.17.11', '1.17.10 | 1.17.11 OutOfRange'],
  ['pre-releases need to be asked for', {}, '1.0.0 1.1.0-rc.1', '1.0.0 | 1.1.0-rc.1 Prerelease'],
  ['and are taken then', { constraint: '>=1.0.0-0' }, '1.0.0 1.1.0-rc.1', '1.1.0-rc.1 1.0.0'],
  [
    'what is no version stays out',
    {},
    '1.0.0 main 2.0.0_alpine 1.2.3.4',
    '1.0.0 | 1.2.3.4 NotAVersion | 2.0.0_alpine NotAVersion | main NotAVersion',
  ],
  ['short numbers are versions, as Image Updater has it', {}, '1.2.0 20240115 1.3', '20240115 1.3 1.2.0'],
  ['of equal versions the byte-wise greater name goes first', {}, '1.0.0 v1.0.0 1.0', 'v1.0.0 1.0.0 1.0'],
  [
    'what cosign names after digests is never chosen',
    { strategy: 'alphabetical' },
    `a ${SIGNATURE} ${SIGNATURE}.sig`,
    `a | ${SIGNATURE} Generated | ${SIGNATURE}.sig Generated`,
  ],
  [
    'allow-tags goes first',
    { allowTags: 'regexp:^v', ignoreTags: '*' },
    '1.0.0 v1.0.0',
    ' | 1.0.0 NotAllowedByFilter | v1.0.0 IgnoredByFilter',
  ],
  ['ignore-tags takes out', { ignoreTags: '2.*' }, '1.0.0 2.0.0', '1.0.0 | 2.0.0 IgnoredByFilter'],
  [
    'extract compares a part and reports the whole',
    { allowTags: 'regexp:^app-(.+)$', extract: '$1' },
    'app-1.9.0 app-1.10.0 web-9.0.0',
    'app-1.10.0 app-1.9.0 | web-9.0.0 NotAllowedByFilter',
  ],
  ['alphabetical takes the last by bytes', { strategy: 'alphabetical' }, 'a b B 9', 'b a B 9'],
  ['name is its former name', { strategy: 'name' }, 'a b', 'b a'],
  [
    'numerical compares numbers',
    { strategy: 'numerical' },
    '9 10 20240101123456789 main',
    '20240101123456789 10 9 | main NotANumber',
  ],
  ['digest follows one tag', { strategy: 'digest', constraint: 'main' }, 'main latest', 'main | latest NotTheTag'],
  [
    'digest honours filters',
    { strategy: 'digest', constraint: 'main', ignoreTags: 'main' },
    'main',
    ' | main IgnoredByFilter',
  ],
  ['a tag that is listed twice is one', {}, '1.0.0 1.0.0', '1.0.0'],
];

for (const [name, text, tags, expected] of ROWS) {
  test(name, () => {
    assert.equal(chosen(tags.split(' '), text), expected);
  });
}

test('Flux wants two dots, also where they are in a pre-release', () => {
  assert.equal(chosen(['1.2.3', '1.3', '2'], {}, 'three'), '1.2.3 | 1.3 NotAVersion | 2 NotAVersion');
  const range = { constraint: '>=1.0.0-0' };
  assert.equal(chosen(['1.2-rc.1', '1.3-rc', '2-rc.1.0'], range, 'three'), '2-rc.1.0 1.2-rc.1 | 1.3-rc NotAVersion');
});

test('newest-build goes by the time at which an image was built, and leaves out what nothing is known of', () => {
  const newest = rule({ strategy: 'latest', ignoreTags: 'old' });
  const tags = ['a', 'b', 'c', 'd', 'old'];
  assert.deepEqual(needsFacts(tags, newest), ['a', 'b', 'c', 'd']);
  const built = new Map([
    ['a', 3],
    ['b', 1],
    ['c', 3],
  ]);
  const { selected, candidates } = selectTag(tags, newest, { built, unfit: new Set() });
  assert.equal(selected, 'c');
  assert.deepEqual(
    candidates.map(({ tag }) => tag),
    ['c', 'a', 'b', 'old'],
  );
  assert.deepEqual(needsFacts(tags, rule({})), []);
});

test('an image that runs on no wanted platform is not chosen', () => {
  const { selected, candidates } = selectTag(['1.0.0', '1.1.0'], rule({}), {
    built: new Map(),
    unfit: new Set(['1.1.0']),
  });
  assert.equal(selected, '1.0.0');
  assert.deepEqual(candidates[1], { tag: '1.1.0', accepted: false, reason: 'NoMatchingPlatform' });
});

test('a rule that can not be read says which part of it is wrong', () => {
  for (const [text, problem] of [
    [{ strategy: 'newest' }, /^update-strategy: "newest" is none of semver, newest-build/],
    [{ constraint: '>>1' }, /^constraint: .+ is not a version range/],
    [{ strategy: 'digest' }, /^constraint: the strategy digest follows one tag/],
    [{ allowTags: 'regex:a' }, /^allow-tags: /],
    [{ ignoreTags: '[' }, /^ignore-tags: /],
    [{ extract: '$1' }, /^extract: /],
  ] as const) {
    const parsed = parseSelection({ ...NOTHING, ...text });
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, problem);
  }
});

test('the order in which a registry lists its tags decides nothing', () => {
  const tag = fc.constantFrom('1.0.0', 'v1.0.0', '1.0', '1.1.0', '2', 'main', '1.1.0-rc1', '007', '7');
  const strategy = fc.constantFrom('semver', 'alphabetical', 'numerical');
  fc.assert(
    fc.property(fc.array(tag), strategy, (tags, name) => {
      const wanted = rule({ strategy: name });
      assert.deepEqual(selectTag(tags, wanted), selectTag(tags.toReversed(), wanted));
    }),
    { seed: 1 },
  );
});
