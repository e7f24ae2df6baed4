/**
 * The registry of README.md: on loopback, without TLS, with the images that its commands name. They are the same ones every
 * time, digests too; the first is signed. `node test/demo/registry.ts [PORT]`, until Ctrl-C.
 */
import { createPrivateKey } from 'node:crypto';
import { startRegistry } from '../support/registry.ts';
import { pushLegacy } from '../support/sigstore/push.ts';
import { signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';

/** PKCS #8 of an Ed25519 key, up to the 32 bytes that are the key (RFC 8410); `test/cases/readme/shop.pub` is the other half. */
const HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const key = createPrivateKey({ key: Buffer.concat([HEAD, Buffer.alloc(32, 'shop')]), format: 'der', type: 'pkcs8' });

const registry = await startRegistry({ port: Number(process.argv[2] ?? 5055) });
const { host } = registry;
for (const [repository, tag] of [['shop/web', '1.27'] as const, ['shop/worker', 'main'] as const]) {
  const digest = registry.pushIndex(repository, tag, ['linux/amd64', 'linux/arm64'], { label: tag });
  if (repository === 'shop/web') {
    await pushLegacy({ host, repository }, digest, [signLegacy(simpleSigning(digest), { privateKey: key })]);
  }
  console.log(`${host}/${repository}:${tag} is ${digest}`);
}
