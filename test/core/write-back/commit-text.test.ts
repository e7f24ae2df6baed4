import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  branchName,
  commitMessage,
  fingerprintText,
  type ImageChange,
  parseBranchTemplate,
  parseMessageTemplate,
} from '../../../src/core/write-back/commit-text.ts';

function change(application: string, from: string, to: string): ImageChange {
  return { application, alias: 'web', image: 'ghcr.io/acme/web', from, to };
}

function message(template: string, changes: readonly ImageChange[]): string {
  const parsed = parseMessageTemplate(template);
  assert.ok(parsed.ok);
  return commitMessage(parsed.render, ['argocd'], changes);
}

function branch(template: string): string {
  const parsed = parseBranchTemplate(template);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
  const changes = [change('shop', '1.0', '1.1')];
  const facts = {
    applicationName: 'shop',
    applicationNamespace: 'argocd',
    targetKey: '0123abcd',
    sha256: 'f'.repeat(64),
  };
  return branchName(parsed.render, { ...facts, changes });
}

test("without a template the message is Argo CD Image Updater's", () => {
  assert.equal(
    message('', [change('shop', '1.0', '1.1')]),
    "build: automatic update of shop\n\nupdates image ghcr.io/acme/web tag '1.0' to '1.1'\n",
  );
});

test('a commit about several Applications names three of them, and tells all changes', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const text = message(
    '',
    names.map((name) => change(name, '', '1')),
  );
  assert.match(text, /^build: automatic update of a, b, c and 2 more\n\n/);
  assert.equal(text.match(/updates image/g)?.length, 5);
});

test('a template of Argo CD Image Updater is taken as it is', () => {
  const template = 'chore({{.AppName}}):\n{{range .AppChanges -}}\n{{.Image}}: {{.OldTag}} -> {{.NewTag}}\n{{end -}}\n';
  assert.equal(message(template, [change('shop', '1', '2')]), 'chore(shop):\nghcr.io/acme/web: 1 -> 2\n');
});

test('branches are named by what Argo CD Image Updater documents', () => {
  assert.equal(branch('image-updater-{{.SHA256}}'), `image-updater-${'f'.repeat(64)}`);
  assert.equal(branch('up-{{.AppNamespace}}-{{.AppName}}-{{.TargetKey}}'), 'up-argocd-shop-0123abcd');
  assert.equal(branch('x{{range .Images}}-{{.Alias}}-{{.NewTag}}{{end}}'), 'x-web-1.1');
  assert.equal(branch('b'.repeat(300)).length, 255);
});

test('what is summed up differs with every change', () => {
  assert.equal(
    fingerprintText([change('shop', '1', '2'), change('shop', '3', '4')]),
    'ghcr.io/acme/web-1-2,ghcr.io/acme/web-3-4,',
  );
});
