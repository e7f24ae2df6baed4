import assert from 'node:assert/strict';
import test from 'node:test';
import { readPayload } from '../../../src/core/receivers/read.ts';
import { RECEIVER_TYPES, type ReceiverType } from '../../../src/core/receivers/receiver-type.ts';
import { hintsIn } from '../../support/received.ts';
import * as payloads from '../../support/receiver-payloads.ts';

const BODIES: Readonly<Record<ReceiverType, unknown>> = {
  acr: payloads.AZURE,
  'aliyun-acr': payloads.ALIYUN,
  cloudevents: payloads.ECR_CLOUD_EVENT,
  distribution: payloads.DISTRIBUTION,
  'docker.io': payloads.DOCKER_HUB,
  ecr: payloads.ECR,
  gar: payloads.pubSubMessage(payloads.ARTIFACT_REGISTRY),
  'ghcr.io': payloads.GITHUB,
  gitlab: payloads.GITLAB_PIPELINE,
  harbor: payloads.HARBOR,
  'quay.io': payloads.QUAY,
};

for (const type of RECEIVER_TYPES) {
  test(`${type} reads its own payload, and no digest is in what it gives`, () => {
    const hints = hintsIn((payload) => readPayload(type, payload), BODIES[type]);
    assert.notEqual(hints.length, 0);
    assert.doesNotMatch(JSON.stringify(hints), /sha256/);
  });
}
