import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { ISSUER, newKey, privateSigstore, publicPem, SUBJECT } from '../support/signed-image.ts';
import { pushBundles, pushLegacy } from '../support/sigstore/push.ts';
import { signBundle, signingStatement, signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';
import { policyFor } from '../support/webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** Starting from source is mostly compiling. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

const key = newKey();
const stranger = newKey();
const sigstore = privateSigstore();

/** A registry with an image that is signed with `key` in both formats, one that is not signed, and `tagpin verify`. */
async function setUp(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => folder.remove());
  const { host } = registry;
  const push = (name: string) => {
    const target = { host, repository: `acme/${name}` };
    const digest = registry.pushImage(target.repository, '1');
    return { target, digest, image: `${host}/acme/${name}:1`, subject: { digest, mediaType: MANIFEST, size: 1 } };
  };
  const signed = push('signed');
  await pushLegacy(signed.target, signed.digest, [
    signLegacy(simpleSigning(signed.digest), { privateKey: stranger }),
    signLegacy(simpleSigning(signed.digest), { privateKey: key }),
  ]);
  await pushBundles(signed.target, signed.subject, [signBundle(signingStatement(signed.digest), { privateKey: key })]);
  const unsigned = push('unsigned');
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text);
  await write('key.pub', publicPem(key));
  await write('stranger.pub', publicPem(stranger));
  await write('root.json', sigstore.root);
  await write('registries.yaml', policyFor(host));
  /** Writes a policy with these entries, about all images of the registry unless they say otherwise. */
  const policy = (...entries: readonly object[]): Promise<void> => {
    const verify = entries.map((entry, at) => ({ name: `entry-${at}`, images: [`${host}/**`], ...entry }));
    return write('policy.yaml', policyFor(host, `verify: ${JSON.stringify(verify)}\n`));
  };
  const verify = (...args: readonly string[]) =>
    runProcess(process.execPath, [MAIN, 'verify', ...args], {
      directory: folder.path,
      environment: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        DOCKER_CONFIG: folder.path,
        NODE_COMPILE_CACHE: COMPILED,
      },
    });
  return { registry, host, push, signed, unsigned, write, policy, verify };
}

function objects({ stdout }: FinishedProcess) {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const ours = { keys: [publicPem(key)], transparencyLog: 'optional' };
const keyless = { identities: [{ issuer: ISSUER, subject: SUBJECT }] };

test('of each signature is told what held and what did not', async (t) => {
  const { signed, unsigned, policy, verify } = await setUp(t);
  await policy(ours);
  const { code, stdout, stderr } = await verify('--policy', 'policy.yaml', signed.image, unsigned.image);
  assert.deepEqual([code, stderr], [1, '']);
  const name = (image: string): string => image.replace(/:1$/, '');
  const found = stdout.replaceAll(/sha256:[0-9a-f]{12}\b/g, 'sha256:SHORT').replaceAll(/SHA256:\S{43}/g, 'SHA256:KEY');
  assert.deepEqual(found.trimEnd().split('\n').slice(0, -1), [
    `${name(signed.image)}@${signed.digest}: verified`,
    '  entry-0 (deny): verified: key SHA256:KEY',
    '  bundle signature sha256:SHORT by key SHA256:KEY, for entry-0',
    '    ok      payload',
    '    ok      signature',
    '    ok      key',
    '    ok      transparency log: not asked for',
    '  legacy signature .sig sha256:SHORT by an unknown key, for entry-0',
    '    ok      payload',
    '    FAILED  key: it was made with none of the entry’s keys, or altered since',
    '  legacy signature .sig sha256:SHORT by key SHA256:KEY, for entry-0',
    '    ok      payload',
    '    ok      signature',
    '    ok      key',
    '    ok      transparency log: not asked for',
    `${name(unsigned.image)}@${unsigned.digest}: NOT VERIFIED`,
  ]);
  assert.match(stdout, /\n {2}entry-0 \(deny\): not verified: no signature of it was found among its referrers .*\n$/);
});

test('JSON has the same: the digest, whether it is verified, and every check of every signature', async (t) => {
  const { signed, unsigned, policy, verify } = await setUp(t);
  await policy(ours);
  const finished = await verify('--policy', 'policy.yaml', '-o', 'json', signed.image, unsigned.image);
  assert.deepEqual([finished.code, finished.stderr], [1, '']);
  const [first, second] = objects(finished);
  const { signatures, entries, ...fields } = first;
  assert.deepEqual(fields, { image: signed.image, digest: signed.digest, verified: true });
  assert.deepEqual(
    signatures.map(({ format, checks }: { format: string; checks: readonly { ok: boolean }[] }) => [
      format,
      checks.every(({ ok }) => ok),
    ]),
    [
      ['bundle', true],
      ['legacy', false],
      ['legacy', true],
    ],
  );
  assert.deepEqual(signatures[1].checks, [
    { name: 'payload', ok: true, reason: null },
    { name: 'key', ok: false, reason: 'it was made with none of the entry’s keys, or altered since' },
  ]);
  assert.deepEqual(
    entries.map(({ name, action, verdict }: Record<string, unknown>) => [name, action, verdict]),
    [['entry-0', 'deny', 'verified']],
  );
  assert.deepEqual(
    [second.image, second.digest, second.verified, second.signatures, second.entries[0].verdict],
    [unsigned.image, unsigned.digest, false, [], 'unverified'],
  );
});

test('keys of the command line take the place of the entries, and any of them is enough', async (t) => {
  const { signed, policy, verify } = await setUp(t);
  await policy({ keys: [publicPem(newKey())] });
  const answers = [
    await verify('--policy', 'policy.yaml', signed.image),
    await verify('--policy', 'policy.yaml', '--key', 'key.pub', signed.image),
    await verify('--policy', 'registries.yaml', '--key', 'stranger.pub', '--key', 'key.pub', signed.image),
  ];
  assert.deepEqual(
    answers.map(({ code }) => code),
    [1, 0, 0],
  );
});

test('every entry that is about an image has to hold, also one that only warns', async (t) => {
  const { signed, policy, verify } = await setUp(t);
  const cases = [
    [[ours, { ...ours, keys: [publicPem(stranger)] }], 0],
    [[ours, { ...ours, keys: [publicPem(newKey())] }], 1],
    [[ours, { ...ours, keys: [publicPem(newKey())], action: 'warn' }], 1],
    [[ours, { ...ours, keys: [publicPem(newKey())], images: ['ghcr.io/**'] }], 0],
  ] as const;
  for (const [entries, expected] of cases) {
    await policy(...entries);
    const { code, stdout } = await verify('--policy', 'policy.yaml', signed.image);
    assert.equal(code, expected, stdout);
  }
});

test('an image that no entry is about is wrong use, and the others are answered all the same', async (t) => {
  const { signed, unsigned, policy, verify } = await setUp(t);
  await policy({ ...ours, images: [signed.image.replace(/:1$/, '')] });
  const { code, stdout, stderr } = await verify('--policy', 'policy.yaml', unsigned.image, signed.image);
  assert.equal(code, 2);
  assert.match(stderr, /^tagpin verify: "[^"]+unsigned:1": NoEntry: no verify entry of the policy is about it: .+\n$/);
  assert.match(stdout, /^\S+signed@\S+: verified\n/);
  const json = await verify('--policy', 'policy.yaml', '-o', 'json', unsigned.image);
  const { image, digest, verified, error } = objects(json)[0];
  assert.deepEqual([json.code, image, digest, verified, error.code], [2, unsigned.image, null, false, 'NoEntry']);
});

test('nothing is asked where nobody says whose signatures count', async (t) => {
  const { registry, signed, write, verify } = await setUp(t);
  registry.clearRequests();
  await write('bad.pub', 'not a key');
  const cases = [
    [[signed.image], 2, /give --policy or --key: whose signatures count\?/],
    [
      ['--policy', 'registries.yaml', signed.image],
      2,
      /registries\.yaml has no verify entries: add one, or give --key/,
    ],
    [['--key', 'bad.pub', signed.image], 2, /--key bad\.pub: /],
    [['--key', 'none.pub', signed.image], 3, /--key none\.pub: there is no such file/],
    [
      ['--key', 'key.pub', '--trust-root', 'none.json', signed.image],
      3,
      /--trust-root none\.json: there is no such file/,
    ],
    [['--policy', 'none.yaml', signed.image], 3, /none\.yaml: there is no such file/],
    [['--key', 'key.pub'], 2, /image/],
  ] as const;
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await verify(...args);
    assert.deepEqual([code, stdout], [expected, ''], args.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, /^tagpin: [^\n]+\n$/);
  }
  assert.equal(registry.requests.length, 0);
});

test('a trust root of the cluster is given as a file', async (t) => {
  const { push, policy, verify } = await setUp(t);
  const { target, subject, image } = push('keyless');
  const witnesses = { at: Date.now(), rekor: sigstore.rekor };
  await pushBundles(target, subject, [signBundle(signingStatement(subject.digest), sigstore.keyless(), witnesses)]);
  await policy({ ...keyless, trustRoot: { configMap: 'sigstore', key: 'trusted_root.json' } });
  const without = await verify('--policy', 'policy.yaml', image);
  assert.equal(without.code, 3);
  assert.match(without.stdout, /could not be tried: .*ConfigMap sigstore .*: give --trust-root FILE\n/);
  const given = await verify('--policy', 'policy.yaml', '--trust-root', 'root.json', image);
  assert.deepEqual([given.code, given.stderr], [0, ''], given.stdout);
  // Of the public services' own it is not, which the entry names by leaving it out.
  await policy(keyless);
  assert.equal((await verify('--policy', 'policy.yaml', image)).code, 1);
  assert.equal((await verify('--policy', 'policy.yaml', '--trust-root', 'root.json', image)).code, 0);
  const broken = await verify('--policy', 'policy.yaml', '--trust-root', 'key.pub', image);
  assert.equal(broken.code, 3);
  assert.match(broken.stdout, /could not be tried: .*trusted_root\.json/);
});

test('what registries do not answer could not be tried; what is not there is not verified', async (t) => {
  const { registry, host, signed, verify } = await setUp(t);
  const ask = (...images: readonly string[]) =>
    verify('--policy', 'registries.yaml', '--key', 'key.pub', '--timeout', '3s', ...images);
  const missing = await ask(`${host}/acme/none:1`, 'Bad Image');
  assert.equal(missing.code, 1);
  assert.match(
    missing.stderr,
    /^tagpin verify: "[^"]+": NotFound: .+\ntagpin verify: "Bad Image": InvalidReference: .+\n$/,
  );

  // The image is there, its signatures are not to be had.
  const away = registry.fault({ kind: 'status', status: 503 }, { path: /referrers|sha256-/ });
  const half = await ask(signed.image);
  assert.deepEqual([half.code, /could not be tried: Unreachable: /.test(half.stdout)], [3, true], half.stdout);
  away();
  registry.fault({ kind: 'hang', after: 'request' }, { path: /referrers|sha256-/ });
  const slow = await ask(signed.image);
  assert.deepEqual([slow.code, /could not be tried: Timeout: /.test(slow.stdout)], [3, true], slow.stdout);
  registry.fault({ kind: 'status', status: 503 }, { path: /manifests\/1/ });
  const gone = await ask(signed.image);
  assert.deepEqual([gone.code, gone.stdout], [3, '']);
  assert.match(gone.stderr, /: Unreachable: /);
});

test('a certificate that was in force only before or after the signature is none', async (t) => {
  const { push, policy, verify } = await setUp(t);
  await policy(keyless);
  const now = Date.now();
  const day = 86_400_000;
  const times = { early: -day, late: day };
  for (const [name, shift] of Object.entries(times)) {
    const { target, subject, image } = push(name);
    const made = sigstore.keyless({ notBefore: now - shift });
    const witnesses = { at: now, rekor: sigstore.rekor };
    await pushBundles(target, subject, [signBundle(signingStatement(subject.digest), made, witnesses)]);
    const finished = await verify('--policy', 'policy.yaml', '--trust-root', 'root.json', '-o', 'json', image);
    const [{ signatures }] = objects(finished);
    const failed = signatures[0].checks.filter(({ ok }: { ok: boolean }) => !ok);
    assert.deepEqual([finished.code, failed.map((check: { name: string }) => check.name)], [1, ['certificate']], name);
  }
});

test('what signers call themselves moves no cursor', async (t) => {
  const { push, policy, verify } = await setUp(t);
  await policy(keyless);
  const { target, subject, image } = push('hostile');
  const made = sigstore.keyless({
    names: [{ kind: 'uri', value: 'https://evil/\u001B[2J\u202Everified\nentry (deny): verified' }],
  });
  const witnesses = { at: Date.now(), rekor: sigstore.rekor };
  await pushBundles(target, subject, [signBundle(signingStatement(subject.digest), made, witnesses)]);
  const { code, stdout } = await verify('--policy', 'policy.yaml', '--trust-root', 'root.json', image);
  assert.equal(code, 1);
  assert.doesNotMatch(stdout, /[^\n\P{Cc}]|\p{Cf}/u);
  assert.doesNotMatch(stdout, /^\s*entry \(deny\): verified/m);
});
