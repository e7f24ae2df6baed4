import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * What an address is to us: `public`; `private`, to be asked only where the policy lists the host (private, loopback,
 * shared, reserved, multicast); or `forbidden`: link-local addresses and the metadata services of clouds, which hand out a
 * machine's own credentials and are nobody's registry.
 */
export type AddressClass = 'public' | 'private' | 'forbidden';

/** Metadata services that have an address of their own outside of the link-local ranges. */
const METADATA = [
  'fd00:ec2::254', // Amazon EC2
  'fd00:ec2::23', // Amazon EKS Pod Identity
  'fd20:ce::254', // Google Cloud
  '168.63.129.16', // Azure's WireServer
  '100.100.100.200', // Alibaba Cloud
  '192.0.0.192', // Oracle Cloud
];

const FORBIDDEN = ['169.254.0.0/16', 'fe80::/10', ...METADATA];

/** IANA's special-purpose registries, as far as they are not globally reachable, and multicast. */
const PRIVATE = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fec0::/10',
  'ff00::/8',
];

/** Ranges whose last 32 bits are an IPv4 address: mapped, translated (RFC 2765), and NAT64 (RFC 6052). */
const HOLDS_IPV4 = blockList(['::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96']);

const forbidden = blockList(FORBIDDEN);
const reserved = blockList(PRIVATE);

/**
 * Classes an IP address. One that holds an IPv4 address is what that is, so that a NAT64 network can still reach public
 * registries.
 *
 * @param text an address as sockets and resolvers spell it, a zone at its end or not; anything else is `forbidden`.
 */
export function classifyAddress(text: string): AddressClass {
  const address = text.replace(/%.*$/, '').toLowerCase();
  if (isIPv4(address)) return classify(address, 'ipv4');
  if (!isIPv6(address)) return 'forbidden';
  const groups = expand(address);
  const [high, low] = groups.slice(6);
  if (HOLDS_IPV4.check(address, 'ipv6') && high !== undefined && low !== undefined) {
    return classify([high >> 8, high & 255, low >> 8, low & 255].join('.'), 'ipv4');
  }
  return classify(address, 'ipv6');
}

const INTERNAL_NAME = /^(?:localhost|kubernetes|kubernetes\.default)$|\.(?:localhost|svc|cluster\.local)$/;

/**
 * Is it a name that a cluster resolves to itself? That it leads to a private address is the second line.
 *
 * @param hostname in lower case, without a dot at its end.
 */
export function isInternalName(hostname: string): boolean {
  return INTERNAL_NAME.test(hostname);
}

function classify(address: string, family: 'ipv4' | 'ipv6'): AddressClass {
  if (forbidden.check(address, family)) return 'forbidden';
  return reserved.check(address, family) ? 'private' : 'public';
}

/** The eight groups of an IPv6 address; the URL parser does the shortened and the dotted forms. */
function expand(address: string): readonly number[] {
  const [left = '', right = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [head, tail] = [left, right].map((part) => part.split(':').filter((group) => group !== ''));
  const [start, end] = [head ?? [], tail ?? []];
  const zeros = Array.from({ length: 8 - start.length - end.length }, () => '0');
  return [...start, ...zeros, ...end].map((group) => Number.parseInt(group, 16));
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
