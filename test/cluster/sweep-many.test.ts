/** Many Applications that follow few images: what a sweep costs registries and the API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sweptCluster } from '../support/swept-cluster.ts';

const APPLICATIONS = 500;
const IMAGES = 60;

describe('500 Applications that follow 60 images', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = sweptCluster();
  const { shared } = cluster;

  test('cost 60 questions, a page of 100 Applications a request, and no write where nothing moved', async (t) => {
    const namespace = await shared.namespace();
    const registry = cluster.registry();
    const images = Array.from({ length: IMAGES }, (_, index) => {
      return { image: `${registry.host}/acme/i${index}`, digest: registry.pushImage(`acme/i${index}`, 'main') };
    });
    for (let begin = 0; begin < APPLICATIONS; begin += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, offset) => {
          const { image } = images[(begin + offset) % IMAGES] ?? assert.fail();
          const follow = { 'image-list': `shop=${image}:main`, 'update-strategy': 'digest' };
          return cluster.create({ namespace, name: `a-${begin + offset}`, follow });
        }),
      );
    }
    const asked: string[] = [];
    const kubeconfig = await cluster.gated(t, async ({ method, path }, when) => {
      if (when === 'request') asked.push(`${method} ${path.replace(/\?.*/, '').replace(/-?\d+$/, '')}`);
    });
    const sweep = async () => {
      registry.clearRequests();
      asked.length = 0;
      const { code, stdout, stderr } = await cluster.run('--once', `--kubeconfig=${kubeconfig}`);
      assert.equal(code, 0, stderr);
      const count = (pattern: RegExp) => asked.filter((each) => pattern.test(each)).length;
      return {
        summary: stdout.trim().split('\n').at(-1),
        registry: [...Map.groupBy(registry.requests, ({ method }) => method)].map(
          ([method, all]) => `${all.length} ${method}`,
        ),
        lists: count(/^GET .*\/applications$/),
        writes: count(/^PATCH .*\/applications\//),
        records: count(/^PATCH .*\/configmaps\//),
      };
    };
    const first = await sweep();
    assert.equal(first.summary, `${APPLICATIONS} targets, ${IMAGES} questions: ${APPLICATIONS} written`);
    assert.deepEqual(first.registry, [`${IMAGES} HEAD`]);
    assert.deepEqual([first.lists, first.writes], [5, APPLICATIONS]);
    // Each of 16 ConfigMaps is made, then takes the attempts and what came of them.
    assert.ok(first.records <= 3 * 16, `${first.records}`);

    assert.deepEqual(await sweep(), {
      summary: `${APPLICATIONS} targets, ${IMAGES} questions: ${APPLICATIONS} unchanged`,
      registry: [`${IMAGES} HEAD`],
      lists: 5,
      writes: 0,
      records: 0,
    });

    registry.pushImage('acme/i7', 'main');
    const moved = await sweep();
    const followers = images.length === 0 ? 0 : Math.ceil((APPLICATIONS - 7) / IMAGES);
    assert.deepEqual([moved.writes, moved.registry], [followers, [`${IMAGES} HEAD`]]);
  });
});
