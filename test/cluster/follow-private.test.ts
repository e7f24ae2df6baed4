/** Workloads that follow private images, with the rights that the sweeper is installed with. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sweeperObjects } from '../support/chart.ts';
import { followedManifest } from '../support/followed-workload.ts';
import { dockerSecret, PULL_SECRETS_ROLE, pullSecretsBinding } from '../support/pull-secrets.ts';
import { sweptCluster } from '../support/swept-cluster.ts';

const USER = 'system:serviceaccount:tagpin-system:tagpin-sweeper';
const CANARY = 'c4n4ry-of-a-pull-secret';

describe('workloads that follow private images', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster({ auth: 'basic', passwords: { puller: CANARY } });
  const { shared } = cluster;

  before(async () => {
    await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
    for (const object of sweeperObjects()) if (object.kind !== 'Deployment') await shared.plane.apply(object);
    await shared.plane.apply(PULL_SECRETS_ROLE);
    await cluster.policy('');
  });

  test("its Pods' own pull secrets are used as soon as the namespace grants them, and only for it", async () => {
    const registry = cluster.registry();
    const [namespace, other] = [await shared.namespace(), await shared.namespace()];
    const digest = registry.pushImage('acme/private', 'prod');
    const image = `${registry.host}/acme/private:prod`;
    for (const each of [namespace, other]) {
      await shared.plane.apply(dockerSecret(each, 'pull', { [registry.host]: `puller:${CANARY}` }));
      const manifest = followedManifest({
        namespace: each,
        containers: { api: { image: 'example.org/api:1', env: [{ name: 'DIGEST' }] } },
        follow: [{ image, action: 'set-env', container: 'api', env: 'DIGEST' }],
        spec: {
          template: {
            metadata: { labels: { app: 'web' } },
            spec: {
              imagePullSecrets: [{ name: 'pull' }],
              containers: [{ name: 'api', image: 'example.org/api:1', env: [{ name: 'DIGEST' }] }],
            },
          },
        },
      });
      await shared.plane.apply(manifest);
    }
    const kubeconfig = await shared.plane.kubeconfigFor(USER);
    const sweep = () => cluster.run('--once', '-o', 'json', `--kubeconfig=${kubeconfig}`, '--namespace=tagpin-system');

    const refused = await sweep();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /Secret.*pull.*may not be read/);
    await shared.plane.apply(pullSecretsBinding(namespace));
    const granted = await sweep();
    const rows = granted.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { target: { namespace: string }; to: string | null; reason: string });
    const came = (where: string) =>
      rows.filter(({ target }) => target.namespace === where).map(({ to, reason }) => [to, reason]);
    assert.deepEqual(came(namespace), [[`prod@${digest}`, 'Filled']]);
    assert.deepEqual(came(other), [[null, 'LookupFailed']], 'what one namespace grants is not used for another');
    for (const { stdout, stderr } of [refused, granted]) assert.doesNotMatch(stdout + stderr, new RegExp(CANARY));
  });
});
