import { readAliyun } from './aliyun.ts';
import { readArtifactRegistry } from './artifact-registry.ts';
import { readAzure } from './azure.ts';
import { readCloudEvents } from './cloud-events.ts';
import { readDistribution } from './distribution.ts';
import { readDockerHub } from './docker-hub.ts';
import { readAmazon } from './ecr.ts';
import { readGitHub } from './ghcr.ts';
import { readGitLab } from './gitlab.ts';
import { readHarbor } from './harbor.ts';
import type { PayloadReader, ReadPayload, ReceivedPayload } from './hint.ts';
import { readQuay } from './quay.ts';
import type { ReceiverType } from './receiver-type.ts';

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
