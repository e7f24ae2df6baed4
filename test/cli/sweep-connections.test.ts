/** How registries are asked by what OCIRepositories say of their connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asker, createConnections } from '../../src/cli/sweep/connections.ts';
import { parseReference } from '../../src/core/image/reference.ts';
import { DEFAULT_POLICY } from '../../src/core/policy/schema.ts';
import type { ConnectionSource } from '../../src/core/target/connection.ts';

const PARSED = parseReference('registry.example/acme/app:1');
const REFERENCE = PARSED.ok ? PARSED.reference : assert.fail();

function source(name: string): ConnectionSource {
  return {
    kind: 'connection',
    namespace: 'apps',
    secret: null,
    serviceAccount: null,
    provider: 'generic',
    certificateSecret: name,
    proxySecret: null,
    insecure: false,
  };
}

/** Connections whose askers list no tags until they are let, or are closed. */
function connections() {
  const open = new Set<string>();
  const closed: string[] = [];
  const waiting = new Map<string, () => void>();
  const make = (name: string): Asker => {
    open.add(name);
    const fail = () => assert.fail('only tags are listed');
    const listTags = async () => {
      await new Promise<void>((resolve) => waiting.set(name, resolve));
      if (!open.has(name)) return { kind: 'failed', code: 'Unreachable', message: 'it was closed' } as const;
      return { kind: 'listed', tags: [name] } as const;
    };
    const close = async () => {
      open.delete(name);
      closed.push(name);
    };
    const resolver = { listTags, close, resolve: fail, resolvePlatform: fail, resolveEntry: fail, inspect: fail };
    return {
      resolver: { ...resolver, listReferrers: fail, readArtifact: fail, readBlob: fail },
      verifier: { verify: fail },
    };
  };
  const made = createConnections({
    registries: () => DEFAULT_POLICY.registries,
    standard: make('standard'),
    make: (settings) => make(settings().own?.certificateAuthority ?? ''),
    readConnection: async ({ certificateSecret }) => ({
      kind: 'read',
      values: { certificateAuthority: certificateSecret, clientCertificate: null, proxy: null },
    }),
  });
  async function ask(name: string) {
    const question = { reference: REFERENCE, keychain: async () => [], signal: new AbortController().signal };
    return await made.listTags({ ...question, access: source(name) });
  }
  async function answer(name: string): Promise<void> {
    while (!waiting.has(name)) await new Promise(setImmediate);
    waiting.get(name)?.();
    waiting.delete(name);
  }
  return { ask, answer, open, closed, made };
}

test('what a slow registry is asked by is not closed under it, however many others are asked meanwhile', async () => {
  const { ask, answer, open, closed } = connections();
  const slow = ask('slow');
  for (let index = 0; index < 100; index += 1) {
    const quick = ask(`quick-${index}`);
    await answer(`quick-${index}`);
    assert.deepEqual(await quick, { kind: 'listed', tags: [`quick-${index}`] });
  }
  assert.ok(!closed.includes('slow'));
  await answer('slow');
  assert.deepEqual(await slow, { kind: 'listed', tags: ['slow'] });
  assert.ok(open.size <= 34, `${open.size} are open`);
  assert.ok(closed.includes('slow'), 'it is closed once nobody needs it');
});

test('those that are used again and again stay, and all are closed at the end', async () => {
  const { ask, answer, open, closed, made } = connections();
  for (let index = 0; index < 40; index += 1) {
    for (const name of ['kept', `other-${index}`]) {
      const asked = ask(name);
      await answer(name);
      await asked;
    }
  }
  assert.ok(open.has('kept'));
  assert.ok(!closed.includes('kept'));
  await made.close();
  assert.deepEqual([...open], ['standard']);
});
