/** Push notifications as the senders' documentation has them, with made-up names. */
const DIGEST = `sha256:${'6e'.repeat(32)}`;

/** Docker Hub's webhook. */
export const DOCKER_HUB = {
  callback_url: 'https://registry.hub.docker.com/u/acme/shop/hook/2141b5bi5i5b02bec211i4eeih0242eg11000a/',
  push_data: { pushed_at: 1_417_566_161, pusher: 'robot', tag: '1.4.2', images: [] },
  repository: {
    comment_count: 0,
    date_created: 1_417_494_799,
    is_private: true,
    name: 'shop',
    namespace: 'acme',
    owner: 'acme',
    repo_name: 'acme/shop',
    repo_url: 'https://registry.hub.docker.com/u/acme/shop/',
    status: 'Active',
  },
};

/** GitHub's event `registry_package`; `package` is the same under another name. */
export const GITHUB = {
  action: 'published',
  registry_package: {
    id: 12,
    name: 'Shop/web',
    namespace: 'Acme',
    ecosystem: 'container',
    package_type: 'CONTAINER',
    owner: { login: 'Acme', type: 'Organization' },
    package_version: {
      id: 34,
      version: DIGEST,
      package_url: 'ghcr.io/Acme/Shop/web:v2',
      container_metadata: { tag: { name: 'v2', digest: DIGEST }, manifest: { digest: DIGEST } },
    },
    registry: { name: 'GitHub container registry', url: 'https://ghcr.io/Acme/shop', type: 'container' },
  },
  repository: { full_name: 'Acme/shop' },
  sender: { login: 'robot' },
};

/** Quay's notification "Push to Repository". */
export const QUAY = {
  name: 'shop',
  repository: 'acme/shop',
  namespace: 'acme',
  docker_url: 'quay.io/acme/shop',
  homepage: 'https://quay.io/repository/acme/shop',
  updated_tags: ['latest', '1.4.2'],
};

const HARBOR_DATA = {
  resources: [
    { digest: DIGEST, tag: '1.4.2', resource_url: 'hub.example.com/acme/shop:1.4.2' },
    { digest: DIGEST, tag: DIGEST, resource_url: `hub.example.com/acme/shop@${DIGEST}` },
  ],
  repository: {
    date_created: 1_586_922_308,
    name: 'shop',
    namespace: 'acme',
    repo_full_name: 'acme/shop',
    repo_type: 'private',
  },
};

/** Harbor's webhook, format Default. */
export const HARBOR = { type: 'PUSH_ARTIFACT', occur_at: 1_586_922_308, operator: 'admin', event_data: HARBOR_DATA };

/** Harbor's webhook, format CloudEvents. */
export const HARBOR_CLOUD_EVENT = {
  specversion: '1.0',
  id: '66a2b8b4-1b2c-4b7f-9f6a-000000000000',
  requestid: '7e2d',
  source: '/projects/1/webhook/policies/15',
  type: 'harbor.artifact.pushed',
  datacontenttype: 'application/json',
  time: '2026-11-21T08:00:00Z',
  data: HARBOR_DATA,
  operator: 'robot$acme+ci',
};

const AZURE_DATA = {
  id: 'cb8c3971-9adc-488b-xxxx-43cbb4974ff5',
  timestamp: '2026-11-21T08:00:00.123Z',
  action: 'push',
  target: {
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    size: 524,
    digest: DIGEST,
    length: 524,
    repository: 'shop',
    tag: '1.4.2',
  },
  request: {
    id: '3cbb6949-7549-4fa1-xxxx-a6d5451dffc7',
    host: 'acme.azurecr.io',
    method: 'PUT',
    useragent: 'docker/29.0',
  },
};

/** The webhook of Azure's registry. */
export const AZURE = AZURE_DATA;

/** The same push through Event Grid, in its own schema. */
export const EVENT_GRID = [
  {
    id: '831e1650-001e-001b-66ab-eeb76e069631',
    topic: '/subscriptions/0/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acme',
    subject: 'shop:1.4.2',
    eventType: 'Microsoft.ContainerRegistry.ImagePushed',
    eventTime: '2026-11-21T08:00:01Z',
    data: AZURE_DATA,
    dataVersion: '1.0',
    metadataVersion: '1',
  },
];

/** How Event Grid asks whether it may send. */
export const EVENT_GRID_VALIDATION = [
  {
    id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
    topic: '/subscriptions/0',
    subject: '',
    data: {
      validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6',
      validationUrl: 'https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/x/validate?id=1',
    },
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    eventTime: '2026-11-21T08:00:01Z',
    metadataVersion: '1',
    dataVersion: '1',
  },
];

/** Alibaba Cloud's webhook. */
export const ALIYUN = {
  push_data: { digest: DIGEST, pushed_at: '2026-11-21 08:00:00', tag: '1.4.2' },
  repository: {
    date_created: '2026-01-01 08:00:00',
    name: 'shop',
    namespace: 'acme',
    region: 'cn-hangzhou',
    repo_authentication_type: 'NO_CERTIFIED',
    repo_full_name: 'acme/shop',
    repo_origin_type: 'NO_CERTIFIED',
    repo_type: 'PRIVATE',
  },
};

/** ECR's event as EventBridge has it. */
export const ECR = {
  version: '0',
  id: '13cde686-328b-6117-af20-0e5566167482',
  'detail-type': 'ECR Image Action',
  source: 'aws.ecr',
  account: '123456789012',
  time: '2026-11-21T08:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: {
    result: 'SUCCESS',
    'repository-name': 'acme/shop',
    'image-digest': DIGEST,
    'action-type': 'PUSH',
    'image-tag': '1.4.2',
  },
};

/** ECR's event as Image Updater's documentation has EventBridge transform it. */
export const ECR_CLOUD_EVENT = {
  specversion: '1.0',
  id: '13cde686-328b-6117-af20-0e5566167482',
  type: 'com.amazon.ecr.image.push',
  source: 'urn:aws:ecr:eu-central-1:123456789012:repository/acme/shop',
  subject: 'acme/shop:1.4.2',
  time: '2026-11-21T08:00:00Z',
  datacontenttype: 'application/json',
  data: { repositoryName: 'acme/shop', imageDigest: DIGEST, imageTag: '1.4.2', registryId: '123456789012' },
};

/** What Artifact Registry publishes. */
export const ARTIFACT_REGISTRY = {
  action: 'INSERT',
  digest: `europe-docker.pkg.dev/acme/apps/shop@${DIGEST}`,
  tag: 'europe-docker.pkg.dev/acme/apps/shop:1.4.2',
};

/** A message as Pub/Sub pushes it. */
export function pubSubMessage(data: object): object {
  return {
    message: {
      data: Buffer.from(JSON.stringify(data)).toString('base64'),
      messageId: '2070443601311540',
      message_id: '2070443601311540',
      publishTime: '2026-11-21T08:00:00Z',
      attributes: {},
    },
    subscription: 'projects/acme/subscriptions/tagpin',
  };
}

/** The envelope of the CNCF's registry, with a pull and a blob beside the push. */
export const DISTRIBUTION = {
  events: [
    {
      id: '320678d8-ca14-430f-8bb6-4ca139cd83f7',
      timestamp: '2026-11-21T08:00:00.5Z',
      action: 'push',
      target: {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        size: 708,
        digest: DIGEST,
        length: 708,
        repository: 'acme/shop',
        url: `https://registry.example.com:5000/v2/acme/shop/manifests/${DIGEST}`,
        tag: '1.4.2',
      },
      request: {
        id: '6df24a34',
        addr: '192.0.2.7:39946',
        host: 'registry.example.com:5000',
        method: 'PUT',
        useragent: 'docker',
      },
      actor: { name: 'ci' },
      source: { addr: 'registry-0:5000', instanceID: 'a53db899' },
    },
    {
      id: '2',
      action: 'push',
      target: { mediaType: 'application/octet-stream', digest: DIGEST, repository: 'acme/shop' },
    },
    {
      id: '3',
      action: 'pull',
      target: { repository: 'acme/shop', tag: '1.4.1' },
      request: { host: 'registry.example.com:5000' },
    },
  ],
};

/** GitLab's webhook "Pipeline events". */
export const GITLAB_PIPELINE = {
  object_kind: 'pipeline',
  object_attributes: { id: 31, ref: 'main', status: 'success', source: 'push' },
  project: {
    id: 1,
    name: 'Shop',
    web_url: 'https://gitlab.com/acme/Team/shop',
    path_with_namespace: 'acme/Team/shop',
    default_branch: 'main',
  },
  builds: [],
};
