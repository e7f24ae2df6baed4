import { asObject, asString, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, refused } from '../hint.ts';

/** From the internet, from a VPC, from the classic network. */
const NAMES = ['registry', 'registry-vpc', 'registry-internal'];
const REGION = /^[a-z0-9-]{1,40}$/;

/**
 * Reads a webhook of Alibaba Cloud's registry (https://www.alibabacloud.com/help/en/acr/user-guide/manage-webhooks). It does not
 * name its instance: where that is not the region's shared one, the host has to be configured.
 */
export const readAliyun: PayloadReader = ({ body, registries }) => {
  if (asObject(valueAt(body, ['push_data'])) === null) return refused('it has no push_data');
  const pushed = property(body, 'repository');
  const [namespace, name] = [asString(property(pushed, 'namespace')), asString(property(pushed, 'name'))];
  const repository = asString(property(pushed, 'repo_full_name')) ?? `${namespace ?? ''}/${name ?? ''}`;
  const region = asString(property(pushed, 'region')) ?? '';
  const hosts = REGION.test(region) ? NAMES.map((host) => `${host}.${region}.aliyuncs.com`) : [];
  if (hosts.length === 0 && registries.length === 0) return refused('it has no region, and no registry is configured');
  const tag = valueAt(body, ['push_data', 'tag']);
  return hintsOf([{ registry: null, repository, tag }], registries.length > 0 ? registries : hosts);
};
