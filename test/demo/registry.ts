/**
 * The registry of README.md: on loopback, without TLS, with the images that its commands name. They are the same ones every
 * time, digests too. `node test/demo/registry.ts [PORT]`, until Ctrl-C.
 */
import { startRegistry } from '../support/registry.ts';

const registry = await startRegistry({ port: Number(process.argv[2] ?? 5055) });
for (const [repository, tag] of [['shop/web', '1.27'] as const, ['shop/worker', 'main'] as const]) {
  const digest = registry.pushIndex(repository, tag, ['linux/amd64', 'linux/arm64'], { label: tag });
  console.log(`${registry.host}/${repository}:${tag} is ${digest}`);
}
