import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type AddressClass, classifyAddress, isInternalName } from '../../../src/registry/connection/address.ts';

const table: Readonly<Record<AddressClass, readonly string[]>> = {
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:1.1.1.1',
    '64:ff9b::8.8.8.8', // A NAT64 network reaches ghcr.io so.
  ],
  private: [
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.0.0.1',
    '0:0:0:0:0:ffff:c0a8:0101',
    '::ffff:0:127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fc00::1',
    'fd12:3456::1',
    'fec0::1',
    'ff02::1',
  ],
  forbidden: [
    '169.254.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::ffff:0:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    'FEBF::1',
    'fd00:ec2::254',
    'FD00:0EC2:0::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    '',
    'localhost',
    '1.1.1',
    '1.1.1.1.1',
    '::1::',
    '0x7f000001',
  ],
};

for (const [expected, addresses] of Object.entries(table)) {
  for (const address of addresses) {
    test(`${address || 'nothing'} is ${expected}`, () => assert.equal(classifyAddress(address), expected));
  }
}

test('an IPv6 address that holds an IPv4 address is what that is', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.constantFrom('::ffff:', '64:ff9b::', '::ffff:0:'), (address, prefix) => {
      assert.equal(classifyAddress(`${prefix}${address}`), classifyAddress(address));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('no text throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4Extended()), (text) => {
      assert.ok(['public', 'private', 'forbidden'].includes(classifyAddress(text)));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('names that a cluster resolves to itself are known', () => {
  const own = ['localhost', 'a.localhost', 'kubernetes', 'kubernetes.default', 'a.b.svc', 'a.b.svc.cluster.local'];
  const others = ['registry.example', 'kubernetes.example', 'svc', 'a.svc.example', 'notlocalhost'];
  assert.deepEqual([...own, ...others].filter(isInternalName), own);
});
