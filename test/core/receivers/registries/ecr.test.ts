import assert from 'node:assert/strict';
import test from 'node:test';
import { amazonHosts, readAmazon } from '../../../../src/core/receivers/registries/ecr.ts';
import { hintsIn, receive, refusesNonsense } from '../../../support/received.ts';
import { ECR } from '../../../support/receiver-payloads.ts';

test("a push is a hint under each of the registry's names", () => {
  assert.deepEqual(hintsIn(readAmazon, ECR), [
    '123456789012.dkr.ecr.eu-central-1.amazonaws.com/acme/shop:1.4.2',
    '123456789012.dkr.ecr-fips.eu-central-1.amazonaws.com/acme/shop:1.4.2',
    '123456789012.dkr-ecr.eu-central-1.on.aws/acme/shop:1.4.2',
  ]);
});

for (const [region, host] of [
  ['us-east-1', 'us-east-1.amazonaws.com'],
  ['us-gov-west-1', 'us-gov-west-1.amazonaws.com'],
  ['cn-north-1', 'cn-north-1.amazonaws.com.cn'],
  ['us-iso-east-1', 'us-iso-east-1.c2s.ic.gov'],
  ['us-isob-east-1', 'us-isob-east-1.sc2s.sgov.gov'],
  ['eusc-de-east-1', 'eusc-de-east-1.amazonaws.eu'],
] as const) {
  test(`${region} has its registries at ${host}`, () => {
    assert.equal(amazonHosts('123456789012', region)[0], `123456789012.dkr.ecr.${host}`);
  });
}

test('pushes that failed, deletions and scans say nothing', () => {
  assert.deepEqual(hintsIn(readAmazon, { ...ECR, detail: { ...ECR.detail, result: 'FAILURE' } }), []);
  assert.deepEqual(hintsIn(readAmazon, { ...ECR, detail: { ...ECR.detail, 'action-type': 'DELETE' } }), []);
  assert.deepEqual(hintsIn(readAmazon, { ...ECR, 'detail-type': 'ECR Image Scan' }), []);
});

test('an account and a region can not make a host of their own', () => {
  for (const wrong of [
    { account: 'evil.example/' },
    { region: 'x.evil.example' },
    { region: null },
    { account: 123_456_789_012 },
  ]) {
    assert.equal(receive(readAmazon, { ...ECR, ...wrong }).kind, 'refused', JSON.stringify(wrong));
  }
});

test('nothing comes of nonsense, nor of other sources', () => {
  refusesNonsense(readAmazon);
  assert.equal(receive(readAmazon, { ...ECR, source: 'aws.ecs' }).kind, 'refused');
});
