import assert from 'node:assert/strict';
import test from 'node:test';
import { readAliyun } from '../../../../src/core/receivers/registries/aliyun.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { ALIYUN } from '../../../support/receiver-payloads.ts';

test("a push is a hint under each of the region's names", () => {
  assert.deepEqual(hintsIn(readAliyun, ALIYUN), [
    'registry.cn-hangzhou.aliyuncs.com/acme/shop:1.4.2',
    'registry-vpc.cn-hangzhou.aliyuncs.com/acme/shop:1.4.2',
    'registry-internal.cn-hangzhou.aliyuncs.com/acme/shop:1.4.2',
  ]);
});

test("an instance's own name is configured", () => {
  const registries = ['acme-registry.cn-shanghai.cr.aliyuncs.com'];
  assert.deepEqual(hintsIn(readAliyun, ALIYUN, { registries }), [
    'acme-registry.cn-shanghai.cr.aliyuncs.com/acme/shop:1.4.2',
  ]);
});

test('a region can not make a host of its own', () => {
  const body = { ...ALIYUN, repository: { ...ALIYUN.repository, region: 'evil.example/x?' } };
  assert.equal(receive(readAliyun, body).kind, 'refused');
});

test('nothing comes of nonsense', () => refusesNonsense(readAliyun));
