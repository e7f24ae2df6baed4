import { asString, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, refused } from '../hint.ts';

const ACCOUNT = /^[0-9]{12}$/;
const REGION = /^[a-z]{2,4}(?:-[a-z]+)+-[0-9]$/;

/** Partitions with a domain of their own, by how their regions begin. */
const DOMAINS = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-iso-', 'c2s.ic.gov'],
  ['eusc-', 'amazonaws.eu'],
] as const;

/**
 * Reads an event of ECR as EventBridge sends it to an API destination
 * (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html): a push that succeeded.
 */
export const readAmazon: PayloadReader = ({ body, registries }) => {
  if (property(body, 'source') !== 'aws.ecr') return refused('it is no event of the source aws.ecr');
  const detail = property(body, 'detail');
  if (property(body, 'detail-type') !== 'ECR Image Action') return hintsOf([]);
  if (property(detail, 'action-type') !== 'PUSH' || property(detail, 'result') !== 'SUCCESS') return hintsOf([]);
  const hosts = amazonHosts(property(body, 'account'), property(body, 'region'));
  if (hosts.length === 0 && registries.length === 0) return refused('it has no account and region');
  const image = {
    registry: null,
    repository: valueAt(detail, ['repository-name']),
    tag: property(detail, 'image-tag'),
  };
  return hintsOf([image], registries.length > 0 ? registries : hosts);
};

/** The names of an account's registry in a region: the usual one, FIPS, and the one with IPv6; none for what are no such. */
export function amazonHosts(account: unknown, region: unknown): readonly string[] {
  const [id, place] = [asString(account) ?? '', asString(region) ?? ''];
  if (!ACCOUNT.test(id) || !REGION.test(place)) return [];
  const domain = DOMAINS.find(([beginning]) => place.startsWith(beginning))?.[1] ?? 'amazonaws.com';
  const dual = domain === 'amazonaws.com.cn' ? 'on.amazonwebservices.com.cn' : 'on.aws';
  return [
    `${id}.dkr.ecr.${place}.${domain}`,
    `${id}.dkr.ecr-fips.${place}.${domain}`,
    `${id}.dkr-ecr.${place}.${dual}`,
  ];
}
