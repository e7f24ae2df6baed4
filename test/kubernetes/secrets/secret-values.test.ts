import assert from 'node:assert/strict';
import test from 'node:test';
import { KubernetesError } from '../../../src/kubernetes/request/error.ts';
import { readSecretValues } from '../../../src/kubernetes/secrets/secret-values.ts';

const { signal } = new AbortController();
const place = { namespace: 'tagpin-system', name: 'receivers' };

test('the values of a Secret are texts, and no Secret is null', async () => {
  const data = { secret: Buffer.from('hush ä').toString('base64'), empty: '', odd: 7 };
  const found = { request: async () => ({ data }) };
  assert.deepEqual(await readSecretValues(found, place, signal), { secret: 'hush ä', empty: '', odd: '' });
  assert.deepEqual(await readSecretValues({ request: async () => ({}) }, place, signal), {});
  const failing = (code: 'NotFound' | 'Timeout') => ({
    request: () => Promise.reject(new KubernetesError(code, 'no')),
  });
  assert.equal(await readSecretValues(failing('NotFound'), place, signal), null);
  await assert.rejects(readSecretValues(failing('Timeout'), place, signal), { code: 'Timeout' });
});
