/**
 * The command line against a registry that others wrote (CNCF distribution), with images that others pushed (crane). What
 * crane calls the digest of a reference is what tagpin has to say too.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import { admit, type Deployment } from '../demo/api-server.ts';
import type { FinishedProcess } from '../support/process.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';
import { startDistribution } from './distribution.ts';
import { PROGRAMS, skipWithout } from './programs.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const skip = skipWithout(PROGRAMS.registry, PROGRAMS.crane);

const PASSWORD = 'canary-of-alice-4711';
const REFRESH_TOKEN = 'canary-refresh-token-4712';
const ALICE = { username: 'alice', password: PASSWORD };
/** bcrypt of PASSWORD, cost 5. */
const HTPASSWD = 'alice:$2a$05$m/2SfDTrrn7yE.Xrjb37cuavWUSF8mvq5hrb3H6MrFQWSD0aivwUS\n';

interface Opened {
  readonly host: string;
  readonly bench: Workbench;
}

async function open(t: TestContext): Promise<Opened> {
  const registry = await startDistribution();
  t.after(() => registry.stop());
  return {
    host: registry.host,
    bench: openWorkbench(t, { host: registry.host, hostPolicy: { plainHttp: true } }),
  };
}

async function openBasic(t: TestContext): Promise<Opened> {
  const registry = await startDistribution({ authentication: { kind: 'basic', htpasswd: HTPASSWD } });
  t.after(() => registry.stop());
  const { host } = registry;
  return { host, bench: openWorkbench(t, { host, login: ALICE, hostPolicy: { plainHttp: true } }) };
}

/** Alice may do everything, everybody may pull what is in `public/`. */
async function openToken(
  t: TestContext,
): Promise<Opened & { readonly tokens: TokenServer; readonly stopRegistry: () => Promise<void> }> {
  const names = { service: 'registry.test', issuer: 'tokens.test' };
  const tokens = await startTokenServer({
    ...names,
    passwords: { alice: PASSWORD },
    refreshTokens: { [REFRESH_TOKEN]: 'alice' },
    actions: (user, repository) =>
      user === 'alice' ? ['pull', 'push', 'delete'] : repository.startsWith('public/') ? ['pull'] : [],
  });
  t.after(() => tokens.close());
  const { realm, keySet } = tokens;
  const registry = await startDistribution({ authentication: { kind: 'token', realm, keySet, ...names } });
  t.after(() => registry.stop());
  const { host } = registry;
  const hostPolicy = { plainHttp: true, authRealms: [tokens.host] };
  const bench = openWorkbench(t, { host, login: ALICE, hostPolicy });
  return { host, bench, tokens, stopRegistry: () => registry.stop() };
}

async function openTls(t: TestContext): Promise<Opened> {
  const validity = validFor(new Date(), 86_400_000);
  const authority = await issueAuthority({ name: 'private authority', ...validity });
  const tls = await issueServing({ authority, name: 'registry', hosts: ['127.0.0.1'], ...validity });
  const registry = await startDistribution({ tls });
  t.after(() => registry.stop());
  const { host } = registry;
  const hostPolicy = { certificateAuthority: authority.certificate };
  return { host, bench: openWorkbench(t, { host, hostPolicy, authority: authority.certificate }) };
}

/** The objects that a command printed, one a line. Nothing that it prints may hold a credential. */
function objects({ stdout, stderr }: FinishedProcess): Record<string, unknown>[] {
  assert.doesNotMatch(stdout + stderr, /canary/);
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function errorCodes(finished: FinishedProcess): readonly unknown[] {
  return objects(finished).map((object) => (object['error'] as Record<string, unknown> | undefined)?.['code']);
}

const registries = [
  ['without authentication', open],
  ['with Basic authentication', openBasic],
  ['with token authentication', openToken],
  ['over TLS with a private authority', openTls],
] as const;

for (const [name, start] of registries) {
  test(`a registry ${name}: every kind of manifest resolves to what crane calls its digest`, { skip }, async (t) => {
    const { host, bench } = await start(t);
    const amd64 = `${host}/acme/app:amd64`;
    const arm64 = `${host}/acme/app:arm64`;
    await bench.pushImage(amd64, 'amd64', { format: 'docker', platform: 'linux/amd64' });
    await bench.pushImage(arm64, 'arm64', { platform: 'linux/arm64/v8' });
    const expected = [
      [amd64, 'application/vnd.docker.distribution.manifest.v2+json'],
      [arm64, 'application/vnd.oci.image.manifest.v1+json'],
      [`${host}/acme/app:list`, 'application/vnd.docker.distribution.manifest.list.v2+json'],
      [`${host}/acme/app:index`, 'application/vnd.oci.image.index.v1+json'],
    ] as const;
    await bench.pushIndex(`${host}/acme/app:list`, [amd64, arm64], 'docker');
    const index = await bench.pushIndex(`${host}/acme/app:index`, [amd64, arm64], 'oci');

    const finished = await bench.tagpin(['resolve', '-o', 'json', ...expected.map(([image]) => image)]);
    assert.equal(finished.code, 0, finished.stderr);
    for (const [at, object] of objects(finished).entries()) {
      const [image, mediaType] = expected[at] ?? assert.fail();
      const digest = await bench.crane('digest', image);
      const pinned = `${host}/acme/app@${digest}`;
      const { resolved, ...rest } = object;
      assert.deepEqual(
        { resolved, mediaType: rest['mediaType'], pinned: rest['pinned'] },
        { resolved: digest, mediaType, pinned },
      );
    }

    const byDigest = `${host}/acme/app@${index}`;
    assert.equal((await bench.tagpin(['resolve', byDigest])).stdout, `${byDigest}\n`);
  });

  test(`a registry ${name}: --platform looks into the index as crane does`, { skip }, async (t) => {
    const { host, bench } = await start(t);
    const members = [`${host}/acme/app:a`, `${host}/acme/app:b`] as const;
    await bench.pushImage(members[0], 'amd64', { platform: 'linux/amd64' });
    await bench.pushImage(members[1], 'arm64', { platform: 'linux/arm64' });
    const image = `${host}/acme/app:index`;
    await bench.pushIndex(image, members);
    for (const platform of ['linux/amd64', 'linux/arm64']) {
      const finished = await bench.tagpin(['resolve', '--platform', platform, image]);
      const digest = await bench.crane('digest', '--platform', platform, image);
      assert.deepEqual([finished.code, finished.stdout], [0, `${host}/acme/app@${digest}\n`], finished.stderr);
    }
    const none = await bench.tagpin(['resolve', '-o', 'json', '--platform', 'windows/amd64', image]);
    assert.deepEqual([none.code, ...errorCodes(none)], [1, 'NoMatchingPlatform']);
  });

  test(`a registry ${name}: pin writes the digests that crane gives, and nothing else`, { skip }, async (t) => {
    const { host, bench } = await start(t);
    const image = `${host}/acme/app:1.0`;
    const digest = await bench.pushImage(image, 'one');
    const before = manifest(image);
    const file = join(bench.folder, 'deployment.yaml');
    writeFileSync(file, before);

    assert.equal((await bench.tagpin(['pin', '--check', file])).code, 1);
    const printed = await bench.tagpin(['pin', file]);
    const after = manifest(`${host}/acme/app@${digest}`);
    assert.deepEqual([printed.code, printed.stdout], [0, after], printed.stderr);
    assert.equal(readFileSync(file, 'utf8'), before);

    const written = await bench.tagpin(['pin', '--in-place', file]);
    assert.equal(written.code, 0, written.stderr);
    assert.equal(readFileSync(file, 'utf8'), after);
    assert.equal((await bench.tagpin(['pin', '--check', file])).code, 0);
    const both = await bench.tagpin(['pin', '--format', 'tag+digest', '-'], { input: before });
    assert.equal(both.stdout, manifest(`${image}@${digest}`), both.stderr);
  });

  test(`a registry ${name}: a moved tag is seen, a deleted manifest is not found`, { skip }, async (t) => {
    const { host, bench } = await start(t);
    const image = `${host}/acme/app:main`;
    const first = await bench.pushImage(image, 'one');
    assert.equal((await bench.tagpin(['resolve', image])).stdout, `${host}/acme/app@${first}\n`);
    const second = await bench.pushImage(image, 'two');
    assert.notEqual(first, second);
    assert.equal((await bench.tagpin(['resolve', image])).stdout, `${host}/acme/app@${second}\n`);
    // Nothing points at the first any more, and it is there all the same.
    assert.equal((await bench.tagpin(['resolve', `${host}/acme/app@${first}`])).code, 0);

    await bench.crane('delete', `${host}/acme/app@${second}`);
    const gone = [image, `${host}/acme/app@${second}`, `${host}/acme/other:main`];
    const finished = await bench.tagpin(['resolve', '-o', 'json', ...gone]);
    assert.equal(finished.code, 1);
    assert.deepEqual(errorCodes(finished), ['NotFound', 'NotFound', 'NotFound'], finished.stdout);
  });
}

test('a registry with Basic authentication refuses who has no password, or a wrong one', { skip }, async (t) => {
  const { host, bench } = await openBasic(t);
  const image = `${host}/acme/app:1.0`;
  await bench.pushImage(image, 'one');
  for (const login of [null, { username: 'alice', password: 'wrong' }, { username: 'bob', password: PASSWORD }]) {
    const finished = await bench.tagpinAs(login, ['resolve', '-o', 'json', image]);
    assert.deepEqual([finished.code, ...errorCodes(finished)], [1, 'Unauthorized'], JSON.stringify(login?.username));
  }
});

test('a registry with token authentication: each gets what the authorisation server lets them have', {
  skip,
}, async (t) => {
  const { host, bench, tokens } = await openToken(t);
  const mine = `${host}/acme/app:1.0`;
  const everybodys = `${host}/public/app:1.0`;
  const digests = [await bench.pushImage(mine, 'one'), await bench.pushImage(everybodys, 'two')];
  const before = tokens.requests.length;

  const anonymous = await bench.tagpinAs(null, ['resolve', '-o', 'json', mine, everybodys]);
  assert.deepEqual(
    [anonymous.code, ...errorCodes(anonymous), objects(anonymous)[1]?.['resolved']],
    [1, 'Unauthorized', undefined, digests[1]],
  );
  const withToken = await bench.tagpinAs({ identityToken: REFRESH_TOKEN }, ['resolve', '-o', 'json', mine, everybodys]);
  assert.deepEqual([withToken.code, ...objects(withToken).map((object) => object['resolved'])], [0, ...digests]);

  // It asks for what it needs, repository by repository, and never to push.
  const asked = tokens.requests.slice(before);
  assert.ok(asked.some(({ method, user }) => method === 'POST' && user === 'alice'));
  assert.ok(asked.some(({ method, user }) => method === 'GET' && user === null));
  assert.deepEqual([...new Set(asked.flatMap(({ scopes }) => scopes))].toSorted(), [
    'repository:acme/app:pull',
    'repository:public/app:pull',
  ]);
});

test('a registry with token authentication: a wrong password is refused, and goes to the realm only', {
  skip,
}, async (t) => {
  const { host, bench } = await openToken(t);
  const image = `${host}/acme/app:1.0`;
  await bench.pushImage(image, 'one');
  const finished = await bench.tagpinAs({ username: 'alice', password: 'canary' }, ['resolve', '-o', 'json', image]);
  assert.deepEqual([finished.code, ...errorCodes(finished)], [1, 'Unauthorized']);
});

test('a registry over TLS: a certificate of an unknown authority is not trusted', { skip }, async (t) => {
  const { host, bench } = await openTls(t);
  const image = `${host}/acme/app:1.0`;
  await bench.pushImage(image, 'one');
  const stranger = openWorkbench(t, { host, hostPolicy: {} });
  const finished = await stranger.tagpin(['resolve', '-o', 'json', image]);
  assert.deepEqual([finished.code, ...errorCodes(finished)], [1, 'Unreachable']);
  assert.match(finished.stdout, /certificate/);
});

test('a registry that the policy does not name is on loopback, and is not asked', { skip }, async (t) => {
  const { host, bench } = await open(t);
  const image = `${host}/acme/app:1.0`;
  await bench.pushImage(image, 'one');
  const stranger = openWorkbench(t, { host: 'elsewhere.example', hostPolicy: {} });
  const finished = await stranger.tagpin(['resolve', '-o', 'json', image]);
  assert.deepEqual([finished.code, ...errorCodes(finished)], [1, 'NotAllowed']);
});

test('the webhook pins to what crane says, and keeps it when the tag moves and the registry is gone', {
  skip,
}, async (t) => {
  const { host, bench, stopRegistry } = await openToken(t);
  const image = `${host}/acme/app:1.0`;
  const digest = await bench.pushImage(image, 'one');
  const certificates = join(bench.folder, 'certs');
  assert.equal((await bench.tagpin(['certificates', '--directory', certificates])).code, 0);
  const [certificate, key] = [join(certificates, 'tls.crt'), join(certificates, 'tls.key')];
  const listen = ['--listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0', '--drain', '0s'];
  const server = bench.startTagpin(['webhook', '--standalone', '--certificate', certificate, '--key', key, ...listen]);
  t.after(() => server.stop());
  const [line] = await server.waitFor(/^\{.*"server":"admission".*"msg":"listening".*\}$/m);
  const { address } = JSON.parse(line) as { address: string };
  const webhook = { url: `https://${address}`, authority: readFileSync(join(certificates, 'ca.crt'), 'utf8') };

  const created = await admit(webhook, deployment(image), null);
  assert.equal(imageOf(created.object), `${host}/acme/app@${digest}`);
  const moved = await bench.pushImage(image, 'two');
  assert.notEqual(moved, digest);
  assert.equal(imageOf((await admit(webhook, deployment(image), created.object)).object), `${host}/acme/app@${digest}`);
  await stopRegistry();
  assert.equal(imageOf((await admit(webhook, deployment(image), created.object)).object), `${host}/acme/app@${digest}`);
  await server.stop();
  assert.doesNotMatch(server.output(), /canary/);
});

function deployment(image: string): Deployment {
  const spec = { template: { spec: { containers: [{ name: 'app', image }] } } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop', namespace: 'shop' }, spec };
}

function imageOf({ spec }: Deployment): string | undefined {
  return spec.template.spec.containers[0]?.image;
}

/** A manifest with what an editor must not touch around the image. */
function manifest(image: string): string {
  return `# shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}   # inline
spec:
  template:
    spec:
      containers:
        - name: app
          image:   "${image}"  # follows main
          args: ['--keep',   "this"]
`;
}
