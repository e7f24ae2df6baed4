/** Reads deploy/image-updater.md: its manifests with the program's own readers, its tables against the keys that there are. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import { parsePolicy } from '../../src/core/policy/schema.ts';
import { RECEIVER_TYPES } from '../../src/core/receivers/receiver-type.ts';
import { readSettings } from '../../src/core/target/settings/application-settings.ts';
import { type ImageUpdater, readImageUpdater } from '../../src/core/target/settings/image-updater.ts';
import {
  APPLICATION_KEYS,
  FORMER_IMAGE_KEYS,
  IMAGE_KEYS,
  OWN_APPLICATION_KEYS,
  OWN_IMAGE_KEYS,
} from '../../src/core/target/settings/written.ts';
import type { ApplicationSettings } from '../../src/core/target/settings.ts';
import { STRATEGIES, selectTag } from '../../src/core/version/select.ts';
import { parseBranchTemplate, parseMessageTemplate } from '../../src/core/write-back/commit-text.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'deploy/image-updater.md'), 'utf8');
/** In a list they stand indented. */
const manifests = [...page.matchAll(/^(?<indent> *)```yaml\n(?<text>.*?)^ *```$/gms)].map(({ groups }) =>
  (groups?.['text'] ?? '').replaceAll(new RegExp(`^${groups?.['indent']}`, 'gm'), ''),
);
const [policy = '', theirs = '', ours = '', resource = '', further = ''] = manifests;

/** What an Application comes to; it must say something, and nothing that is wrong. */
function settingsOf(application: object, updaters: readonly ImageUpdater[] | null): ApplicationSettings {
  const settings = readSettings(application, updaters) ?? assert.fail('it says nothing');
  assert.deepEqual(settings.problems, []);
  return settings;
}

/** What can be compared of them: rules have functions in them, so they show what they choose. */
function plain({ images, writeBack }: ApplicationSettings): unknown {
  const tags = ['1.2.3', '1.2.9', '1.3.0', '1.2.10-rc.1', 'main', 'latest'];
  const facts = images.map(({ rule, ...image }) => {
    const { strategy, constraint } = rule;
    return { ...image, strategy, constraint, chosen: selectTag(tags, rule).selected };
  });
  return { facts, writeBack };
}

test('there are five manifests, and the policy among them turns the switch on', () => {
  assert.equal(manifests.length, 5);
  const parsed = parsePolicy(policy);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.equal(parsed.policy.sweep.imageUpdater, true);
});

test('the Application of Image Updater, that of tagpin and the resource mean the same', () => {
  const before = plain(settingsOf(parse(theirs), []));
  assert.equal(readSettings(parse(theirs), null), null, 'without the switch it says nothing');
  assert.deepEqual(plain(settingsOf(parse(ours), null)), before);
  const read = readImageUpdater(parse(resource));
  assert.ok(read.ok, JSON.stringify(read));
  const bare = { ...parse(ours), metadata: { name: 'shop', namespace: 'argocd' } };
  assert.deepEqual(plain(settingsOf(bare, [read.updater])), before);

  const { images, writeBack } = settingsOf(parse(theirs), []);
  assert.deepEqual(
    images.map(({ alias, rule, format }) => [alias, rule.strategy, format]),
    [
      ['web', 'semver', 'tag'],
      ['worker', 'digest', 'tag+digest'],
    ],
  );
  assert.deepEqual(writeBack.kind === 'git' && [writeBack.target, writeBack.branch], [
    { kind: 'helmvalues', path: 'values-prod.yaml' },
    { base: 'main', push: null },
  ]);
});

test('the keys that only tagpin has are read as the page says', () => {
  const [image] = settingsOf(parse(further), null).images;
  assert.ok(image !== undefined);
  assert.equal(image.place.kind === 'helm' && image.place.digestParameter, 'web.image.digest');
  const { format, minAge, interval, allowDowngrade, source } = image;
  assert.deepEqual([format, minAge, interval, allowDowngrade, source], ['tag', 43_200_000, 3_600_000, true, 'chart']);
  assert.equal(selectTag(['v1.2.0-alpine', '1.10.0-alpine', '1.11.0'], image.rule).selected, '1.10.0-alpine');
});

test('every key, strategy and receiver that there is stands on the page', () => {
  const keys = [...IMAGE_KEYS, ...FORMER_IMAGE_KEYS, ...OWN_IMAGE_KEYS, ...APPLICATION_KEYS, ...OWN_APPLICATION_KEYS];
  const words = [
    ...keys.map((key) => key.replace(/^(?:helm|plugin|kustomize)(?=\.)/, '')),
    ...STRATEGIES,
    ...RECEIVER_TYPES,
  ];
  assert.deepEqual(
    words.filter((word) => !page.includes(word)),
    [],
  );
});

/** What Image Updater's own sources have: its flags, the keys of its ConfigMap, the fields of its resource and of registries.conf. */
const OPTIONS = `
  interval once dry-run kubeconfig loglevel logformat registries-conf-path max-concurrent-apps max-concurrent-reconciles
  argocd-namespace watch-namespaces warmup-cache disable-kube-events leader-election leader-election-namespace
  metrics-bind-address metrics-secure health-probe-bind-address enable-http2 git-commit-user git-commit-email
  git-commit-message-path git-commit-signing-key git-commit-signing-method git-commit-sign-off git-commit-method
  enable-webhook webhook-port webhook-require-secret webhook-ratelimit-allowed disable-tls tlsminversion tlsmaxversion tlsciphers
  argocd.namespace watch.namespaces log.level log.format git.user git.email git.commit-message-template kube.events
  registries.conf webhook.enable webhook.port
  namePattern labelSelectors useAnnotations commonUpdateSettings updateStrategy forceUpdate allowTags ignoreTags pullSecret
  platforms imageName manifestTargets writeBackConfig gitConfig writeBackTarget pullRequest imagesVerification cosignKey
  recentUpdates finalizer
  name api_url ping credentials credsexpire tagsortmode prefix insecure ca_file ca_data defaultns limit default
  applications_watched_total images_watched_total images_updated_total images_errors_total registry_requests_total
  k8s_api_requests_total ImagesUpdated
`;

test('every option of Image Updater has its row', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  const missing = OPTIONS.trim()
    .split(/\s+/)
    .filter((option) => !rows.some((row) => row.split(' | ')[0]?.includes(option)));
  assert.deepEqual(missing, []);
});

test('every row says same, better or not, or where its answer stands', () => {
  for (const row of page.split('\n').filter((line) => /^\| .* \|$/.test(line))) {
    const [, , answer = '', why = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (answer === 'here' || answer === '---') continue;
    assert.match(answer, /^(?:same|better|not|)$/, row);
    if (!answer.includes('same')) assert.notEqual(why, '', row);
  }
});

test('the fields that the page names for messages and branches are there, and those that it excludes are not', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  const rowOf = (start: string) => rows.find((row) => row.startsWith(start)) ?? assert.fail(start);
  const named = (row: string, after: string): readonly string[] =>
    [...(row.split(after)[1] ?? '').matchAll(/`(\.[A-Z]\w+)`/g)].map(([, field = '']) => `{{${field}}}`);
  const branch = rowOf('| `git-branch` |');
  const message = rowOf('| `--git-commit-message-path`');
  assert.deepEqual(named(branch, '`range .Images` with').slice(0, 4), [
    '{{.Name}}',
    '{{.Alias}}',
    '{{.OldTag}}',
    '{{.NewTag}}',
  ]);
  const parsed = [
    parseBranchTemplate('{{range .Images}}{{.Name}}{{.Alias}}{{.OldTag}}{{.NewTag}}{{end}}{{.SHA256}}'),
    parseBranchTemplate(named(branch, '`.NewTag`;').join('')),
    parseBranchTemplate(/`(tagpin-\{\{[^`]+)`/.exec(page)?.[1] ?? assert.fail('no default')),
    parseMessageTemplate('{{.AppName}}{{.AppNamespace}}{{range .AppChanges}}{{.Image}}{{.OldTag}}{{.NewTag}}{{end}}'),
    parseMessageTemplate(`{{range .AppChanges}}${named(message, 'of a change').slice(0, 2).join('')}{{end}}`),
  ];
  assert.deepEqual(
    parsed.map(({ ok }) => ok),
    parsed.map(() => true),
  );
  for (const text of ['{{range .AppChanges}}{{.Labels}}{{end}}', '{{printf "%s" .AppName}}', '{{.AppName | len}}']) {
    assert.equal(parseMessageTemplate(text).ok, false, text);
  }
});

test('the policy in operators.md is one', () => {
  const operators = readFileSync(join(root, 'deploy/operators.md'), 'utf8');
  const [, sweep = ''] = /^```yaml\n(sweep:\n.*?)^```$/ms.exec(operators) ?? [];
  const parsed = parsePolicy(`apiVersion: tagpin.dev/v1\nkind: TagPolicy\n${sweep}`);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.equal(parsed.policy.sweep.protect.length, 2);
});

test('image-updater.md links to files that are there', () => {
  for (const [, path = ''] of page.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
    assert.ok(existsSync(join(root, 'deploy', path)), path);
  }
});
