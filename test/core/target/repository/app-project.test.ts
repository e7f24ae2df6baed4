import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type AppProject,
  permitsNamespace,
  permitsSource,
  readAppProject,
} from '../../../../src/core/target/repository/app-project.ts';

const PROJECT: AppProject = { namespace: 'argocd', name: 'shop', sourceRepositories: [], sourceNamespaces: [] };

/** What `IsSourcePermitted` of Argo CD 3.5.7, run in Go, says of a repository and a project's sourceRepos. */
const ROWS: readonly (readonly [string, readonly string[], boolean])[] = [
  ['https://github.com/acme/shop', ['*'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/*'], true],
  ['https://github.com/acme/shop.git', ['https://github.com/acme/*'], true],
  ['https://github.com/acme/x/shop', ['https://github.com/acme/*'], false],
  ['https://github.com/acme/x/shop', ['https://github.com/acme/**'], true],
  ['https://github.com/acme/shop', ['https://github.com/*'], false],
  ['https://github.com/acme/shop', ['*', '!https://github.com/acme/*'], false],
  ['https://github.com/acme/shop', ['!https://github.com/acme/*', '*'], false],
  ['https://github.com/other/shop', ['!https://github.com/acme/*'], true],
  ['https://github.com/other/shop', ['!https://github.com/acme/*', 'https://gitlab.com/*'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/sho?'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/[rs]hop'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/[!s]hop'], false],
  ['https://github.com/acme/shop', ['https://github.com/acme/[a-z]hop'], true],
  ['https://github.com/acme/shop', ['https://github.com/{acme,other}/*'], false],
  ['git@github.com:acme/shop.git', ['git@github.com:acme/*'], true],
  ['git@github.com:acme/shop.git', ['ssh://git@github.com/acme/*'], true],
  ['git@github.com:acme/shop.git', ['https://github.com/acme/*'], false],
  ['https://github.com/acme/shop', ['**'], true],
  ['https://github.com/acme/shop', [' https://GitHub.com/Acme/Shop '], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/[shop'], false],
  ['https://github.com/acme/shop', ['!https://github.com/acme/[shop'], true],
  ['https://github.com/acme/shop', ['!'], true],
  ['https://github.com/acme/shop', ['!*'], true],
  ['https://github.com/acme/shop', ['https://*/acme/shop'], true],
  ['https://github.com/acme/shop', ['https://*.com/acme/shop'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/shop*'], true],
  ['https://github.com.evil.net/acme/shop', ['https://github.com*/acme/shop'], true],
  ['http://example.com/%zz', ['http://example.com/%zz'], true],
  ['http://example.com/%zz', ['*'], true],
  ['https://github.com/acme/shop', ['https://github.com/a**p'], true],
  ['https://github.com/acme/shop', ['https://github.com/***'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/[^s]hop'], false],
  ['https://github.com/acme/shop', ['https://github.com/acme/[a-c,s]hop'], false],
  ['https://github.com/acme/shop', ['https://github.com/acme/\\shop'], false],
  ['git@github.com:acme/shop.git', ['git@github.com:{acme,b}/*'], false],
  ['git@github.com:acme/shop.git', ['*{acme,b}*'], false],
  ['git@github.com:acme/shop.git', ['git@github.com/{acme,b}/*'], false],
  ['https://github.com/acme/shop', ['https://github.com/acme/[!a-c]hop'], true],
  ['https://github.com/acme/shop', ['https://github.com/acme/[z-a]hop'], false],
  ['https://github.com/acme/shop', ['https://github.com/**/shop'], true],
  ['https://github.com/a/b/shop', ['https://github.com/**/shop'], true],
  ['https://github.com/acme/shop', ['!https://github.com/other/*', '!https://github.com/acme/shop'], false],
  ['ssh://git@host/x.git', ['git@host:x'], true],
  ['https://github.com/acme/shop', [''], false],
  ['https://github.com/acme/shop', ['https://github.com/acme/shop?'], false],
  ['https://github.com/acme/shopx', ['https://github.com/acme/shop?'], true],
];

test('sources are permitted as Argo CD permits them', () => {
  for (const [url, sourceRepositories, permitted] of ROWS) {
    assert.equal(
      permitsSource({ ...PROJECT, sourceRepositories }, url),
      permitted,
      `${url} of ${sourceRepositories.join(' ')}`,
    );
  }
});

test('a project without sources permits none', () => {
  assert.ok(!permitsSource(PROJECT, 'https://github.com/acme/shop'));
});

test('a pattern that would take others for ever takes no time', () => {
  const glob = `https://github.com/${'*a'.repeat(500)}`;
  const started = performance.now();
  assert.ok(!permitsSource({ ...PROJECT, sourceRepositories: [glob] }, `https://github.com/${'a'.repeat(400)}b`));
  assert.ok(performance.now() - started < 5000);
});

test('Applications of other namespaces need to be named by the project', () => {
  const project = { ...PROJECT, sourceNamespaces: ['team-*', '/^dev-\\d+$/', '/([/'] };
  const rows = { argocd: true, 'team-a': true, 'dev-1': true, 'dev-a': false, other: false } as const;
  for (const [namespace, permitted] of Object.entries(rows)) {
    assert.equal(permitsNamespace(project, namespace, 'argocd'), permitted, namespace);
  }
});

test('an AppProject is read, whatever else stands in it', () => {
  const metadata = { name: 'shop', namespace: 'argocd' };
  const spec = { sourceRepos: ['*', 7], sourceNamespaces: 'all' };
  assert.deepEqual(readAppProject({ metadata, spec }), { ...PROJECT, sourceRepositories: ['*'] });
  assert.deepEqual(readAppProject({ metadata }), PROJECT);
  assert.equal(readAppProject({ spec }), null);
});
