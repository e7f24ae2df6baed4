import assert from 'node:assert/strict';
import test from 'node:test';
import { editHelmValues, type HelmValue } from '../../../src/core/write-back/helm-values.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

function tag(name: string, value: string, where: HelmValue['where'] = 'always'): HelmValue {
  return { name, value, role: 'tag', where };
}

function image(name: string, value: string, role: 'name' | 'spec' = 'name'): HelmValue {
  return { name, value, role, where: 'always' };
}

function edited(text: string | null, values: readonly HelmValue[]): string {
  const result = editHelmValues(text, values);
  if (!result.ok) return `${result.problem.line}:${result.problem.column}: ${result.problem.message}`;
  // Once more says the same.
  const again = editHelmValues(result.text, values);
  assert.deepEqual(again, { ok: true, text: result.text, changes: [] });
  return result.text;
}

const CHART = `# Default values for web.
replicaCount: 2

image:
  repository: nginx   # mirrored
  pullPolicy: IfNotPresent
  # Overrides the image tag whose default is the chart appVersion.
  tag: ""

sidecars:
  - name: log
    image: "ghcr.io/acme/log:1.0"

`;

// [name, before, values, after]
const good: readonly (readonly [string, string | null, readonly HelmValue[], string])[] = [
  ['an empty tag, its quotes kept', CHART, [tag('image.tag', '1.27.3')], CHART.replace('tag: ""', 'tag: "1.27.3"')],
  ['a name in another spelling stays', CHART, [image('image.repository', 'docker.io/library/nginx')], CHART],
  [
    'a whole image in a list',
    CHART,
    [image('sidecars[0].image', `ghcr.io/acme/log:1.1@${DIGEST}`, 'spec')],
    CHART.replace('log:1.0', `log:1.1@${DIGEST}`),
  ],
  [
    'a missing key, behind its siblings',
    CHART,
    [tag('image.digest', DIGEST)],
    CHART.replace('tag: ""\n', `tag: ""\n  digest: "${DIGEST}"\n`),
  ],
  [
    'a missing mapping, at the end',
    'a: 1\n',
    [tag('b.c.d', '1.10'), tag('b.c.e', 'v1')],
    'a: 1\nb:\n  c:\n    d: "1.10"\n    e: "v1"\n',
  ],
  ['only what is there', CHART, [tag('image.digest', DIGEST, 'if-there')], CHART],
  ['no file yet', null, [tag('image.tag', 'v1'), image('image.name', 'a/b')], 'image:\n  tag: v1\n  name: a/b\n'],
  ['a file of comments', '# values\n', [tag('image.tag', 'v1')], '# values\nimage:\n  tag: v1\n'],
  ['a literal key with dots', '"image.tag": 1.0\n', [tag('image.tag', '1.1')], '"image.tag": "1.1"\n'],
  [
    'nested before literal',
    'image.tag: a\nimage: {tag: b}\n',
    [tag('image.tag', 'c')],
    'image.tag: a\nimage: {tag: c}\n',
  ],
  ['a number', 'tag: 1.9 # x\n', [tag('tag', '1.10')], 'tag: "1.10" # x\n'],
  ['a commit that looks like a number', 'tag: abc\n', [tag('tag', '123e4567')], 'tag: "123e4567"\n'],
  ['an anchor that nobody uses', 'tag: &t v1\n', [tag('tag', 'v2')], 'tag: &t v2\n'],
  [
    'line ends of Windows',
    'a:\r\n  tag: v1\r\nb: 1\r\n',
    [tag('a.tag', 'v2'), tag('a.x', 'z')],
    'a:\r\n  tag: v2\r\n  x: z\r\nb: 1\r\n',
  ],
  [
    'flow style',
    'image: {name: a/b, tag: v1}\n',
    [tag('image.tag', 'v2'), tag('image.x', 'z')],
    'image: {name: a/b, tag: v2, x: z}\n',
  ],
  ['a folded block', 'tag: >-\n  v1\nb: 1\n', [tag('tag', 'v2')], 'tag: >-\n  v2\nb: 1\n'],
  ['JSON', '{"image": {"tag": "1"}}\n', [tag('image.tag', '2'), tag('x', 'y')], '{"image": {"tag": "2"}, "x": "y"}\n'],
  ['a null', 'image:\ntag: ~\n', [tag('image.tag', 'v1'), tag('tag', 'v2')], 'image:\n  tag: v1\ntag: v2\n'],
  [
    'a short name stays short, since the registry stands elsewhere',
    'image: {registry: ghcr.io, repository: acme/app, spec: "acme/app:1"}\n',
    [image('image.repository', 'ghcr.io/acme/web'), image('image.spec', 'ghcr.io/acme/web:2', 'spec')],
    'image: {registry: ghcr.io, repository: acme/web, spec: "acme/web:2"}\n',
  ],
  [
    'a name with another registry is replaced',
    'image: {repository: quay.io/acme/app}\n',
    [image('image.repository', 'ghcr.io/acme/app')],
    'image: {repository: ghcr.io/acme/app}\n',
  ],
  [
    'the spelling of a whole image stays',
    'image: nginx:1.26\n',
    [image('image', 'docker.io/library/nginx:1.27', 'spec')],
    'image: nginx:1.27\n',
  ],
];

for (const [name, before, values, after] of good) {
  test(`Helm values: ${name}`, () => {
    assert.equal(edited(before, values), after);
  });
}

// [name, before, value, problem]
const bad: readonly (readonly [string, string, HelmValue, RegExp])[] = [
  [
    'an alias',
    'x: &t v1\nimage: {tag: *t}\n',
    tag('image.tag', 'v2'),
    /^2:14: image\.tag is written somewhere else, behind the alias \*t/,
  ],
  ['a merge key', 'x: &t {tag: v1}\nimage:\n  <<: *t\n', tag('image.tag', 'v2'), /^3:3: image\.tag .* a merge key/],
  ['an anchor that others use', 'x: &t v1\ny: *t\n', tag('x', 'v2'), /^1:7: x shares its text with y/],
  ['several documents', 'a: 1\n---\nb: 1\n', tag('a', 'v2'), /several documents/],
  ['a list at the top', '- a\n', tag('a', 'v2'), /no mapping of values/],
  [
    'an index that is not there',
    'a: [1]\n',
    tag('a[1]', 'v2'),
    /^1:1: a\[1\] cannot be set: the list has 1 items, counted from 0 at a$/,
  ],
  ['a mapping in its place', 'image:\n  tag: {x: 1}\n', tag('image.tag', 'v2'), /image\.tag is a mapping, not a text/],
  ['no YAML', 'a: [\n', tag('a', 'v2'), /^\d/],
  ['a template', 'a: {{ .x }}\n', tag('a', 'v2'), /./],
  ['a path that is none', 'a: 1\n', tag('a..b', 'v2'), /empty step/],
];

for (const [name, before, value, problem] of bad) {
  test(`Helm values are left alone where there is ${name}`, () => {
    assert.match(edited(before, [value]), problem);
  });
}

test('what was changed is told, and only that', () => {
  const result = editHelmValues(CHART, [
    tag('image.tag', '1.27'),
    tag('image.pullPolicy', 'IfNotPresent'),
    image('image.repository', 'nginx'),
    tag('replicaCount', '3'),
    tag('new', 'x'),
  ]);
  assert.ok(result.ok);
  assert.deepEqual(result.changes, [
    { place: 'image.tag', from: '', to: '1.27' },
    { place: 'replicaCount', from: '2', to: '3' },
    { place: 'new', from: null, to: 'x' },
  ]);
});
