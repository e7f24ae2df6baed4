import type { PayloadReader, ReadPayload, ReceivedPayload } from './hint.ts';
import type { ReceiverType } from './receiver-type.ts';
import { readAliyun } from './registries/aliyun.ts';
import { readArtifactRegistry } from './registries/artifact-registry.ts';
import { readAzure } from './registries/azure.ts';
import { readCloudEvents } from './registries/cloud-events.ts';
import { readDistribution } from './registries/distribution.ts';
import { readDockerHub } from './registries/docker-hub.ts';
import { readAmazon } from './registries/ecr.ts';
import { readGitHub } from './registries/ghcr.ts';
import { readGitLab } from './registries/gitlab.ts';
import { readHarbor } from './registries/harbor.ts';
import { readQuay } from './registries/quay.ts';

const READERS: Readonly<Record<ReceiverType, PayloadReader>> = {
  acr: readAzure,
  'aliyun-acr': readAliyun,
  cloudevents: readCloudEvents,
  distribution: readDistribution,
  'docker.io': readDockerHub,
  ecr: readAmazon,
  gar: readArtifactRegistry,
  'ghcr.io': readGitHub,
  gitlab: readGitLab,
  harbor: readHarbor,
  'quay.io': readQuay,
};

/** Reads what a sender of this type has sent. Nothing of it is believed but that something was pushed, and where. */
export function readPayload(type: ReceiverType, payload: ReceivedPayload): ReadPayload {
  return READERS[type](payload);
}
