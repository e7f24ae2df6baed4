import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '../../src/kubernetes/request/answer.ts';
import { KubernetesError, type KubernetesErrorCode } from '../../src/kubernetes/request/error.ts';
import { createTrustRoots } from '../../src/kubernetes/trust-roots.ts';

const metadata = { uid: 'u', resourceVersion: '1' };

/** Reads from an API server that says what it is told to say, on a clock that is moved by hand. */
function readFrom(answer: () => JsonObject | KubernetesErrorCode) {
  const paths: string[] = [];
  const problems: string[] = [];
  let time = 1000;
  const read = createTrustRoots({
    client: {
      async request({ path }): Promise<JsonObject> {
        paths.push(path);
        const said = answer();
        if (typeof said === 'string') throw new KubernetesError(said, 'no');
        return said;
      },
    },
    namespace: 'tagpin-system',
    observe: ({ configMap, key, problem }) => problems.push(`${configMap}/${key}: ${problem}`),
    now: () => time,
  });
  const wait = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { read: () => read('roots', 'trusted_root.json'), wait, paths, problems };
}

const root = { metadata, data: { 'trusted_root.json': '{}' } };

test("a text is read by its name, in tagpin's own namespace", async () => {
  const { read, paths, problems } = readFrom(() => root);
  assert.equal(await read(), '{}');
  assert.deepEqual([paths, problems], [['/api/v1/namespaces/tagpin-system/configmaps/roots'], []]);
});

test('all who ask at once share one read', async () => {
  const { read, paths } = readFrom(() => root);
  await Promise.all([read(), read(), read()]);
  assert.equal(paths.length, 1);
});

// [what the API server says, why there is no text]
const failures: readonly (readonly [JsonObject | KubernetesErrorCode, RegExp])[] = [
  ['NotFound', /^there is no such ConfigMap$/],
  ['Forbidden', /^it may not be read: name it in the chart's trustRoots$/],
  ['Unavailable', /^the API server gave no answer$/],
  ['Unauthorized', /^the API server refused it$/],
  [{ metadata, data: { other: '{}' } }, /^the ConfigMap has no such key$/],
];

for (const [said, why] of failures) {
  test(`${typeof said === 'string' ? said : 'another key'}: there is none, which is told once and asked again five seconds later`, async () => {
    const { read, wait, paths, problems } = readFrom(() => said);
    await assert.rejects(read(), { message: why });
    await assert.rejects(read(), { message: why });
    assert.equal(paths.length, 1);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^roots\/trusted_root\.json: /);
    wait(5001);
    await assert.rejects(read());
    assert.equal(paths.length, 2);
  });
}

test('while the API server gives no answer the last text holds, for an hour', async () => {
  let said: JsonObject | KubernetesErrorCode = root;
  const { read, wait, paths } = readFrom(() => said);
  await read();
  said = 'Unreachable';
  assert.equal(await read(), '{}');
  assert.equal(await read(), '{}');
  assert.equal(paths.length, 2, 'and it is not asked for each');
  wait(3_600_001);
  await assert.rejects(read());
});

test('what was taken away holds no longer, also where there is no answer then', async () => {
  let said: JsonObject | KubernetesErrorCode = root;
  const { read, wait } = readFrom(() => said);
  await read();
  said = 'NotFound';
  await assert.rejects(read());
  said = 'Unreachable';
  wait(5001);
  await assert.rejects(read());
});
