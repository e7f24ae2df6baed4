/** Certificates that others issue: cert-manager in a Secret, an administrator in files. Nothing of theirs is ever written. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import type { CertificatePair } from '../../src/certificates/pair.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { certificateCluster, type FreshCluster, MUTATING, SECRET, VALIDATING } from '../support/certificate-cluster.ts';
import { linesOf, startClusterWebhook } from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';

const HOUR = 60 * 60_000;
const [first, second] = await Promise.all(
  ['first', 'second'].map((name) => issueAuthority({ name, ...validFor(new Date(), HOUR) })),
);
assert.ok(first && second);

function issue(authority: CertificatePair, hosts: readonly string[] = ['127.0.0.1']): Promise<CertificatePair> {
  return issueServing({ authority, name: 'leaf', hosts, ...validFor(new Date(), HOUR) });
}

/** As cert-manager writes it. */
function secretOf({ certificate, key }: CertificatePair, authority: CertificatePair) {
  const values = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate };
  return {
    metadata: { name: 'tagpin-certificates', annotations: { 'cert-manager.io/certificate-name': 'tagpin' } },
    type: 'kubernetes.io/tls',
    data: Object.fromEntries(Object.entries(values).map(([key_, value]) => [key_, base64(value)])),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

describe('a certificate that others issue', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const cluster = certificateCluster();

  /** As cainjector, or an administrator, does it. */
  async function inject({ patch }: FreshCluster, caBundle: string): Promise<void> {
    for (const path of [MUTATING, VALIDATING]) {
      const { webhooks } = await cluster.plane().get(path);
      const places = webhooks.map((_: unknown, index: number) => `/webhooks/${index}/clientConfig/caBundle`);
      const change = places.map((place: string) => ({ op: 'add', path: place, value: base64(caBundle) }));
      await patch(path, change, 'json');
    }
  }

  function create({ client }: FreshCluster, secret: object): Promise<unknown> {
    const path = SECRET.slice(0, SECRET.lastIndexOf('/'));
    return client.request({ method: 'POST', path, query: { fieldManager: 'somebody' }, body: secret });
  }

  test('cert-manager’s Secret is waited for, served, and served anew under load; its authority may change', async (t) => {
    const fresh = await cluster.setUp(t);
    const args = ['--drain=0s', '--certificates=cert-manager'];
    const webhook = await startClusterWebhook(t, cluster.plane(), { args, until: 'started' });
    const ready = async () => (await webhook.page('/readyz')).body;
    await eventually('the missing Secret is told', async () =>
      /has cert-manager issued the Certificate/.test(await ready()),
    );
    await create(fresh, secretOf(await issue(first), first));
    await eventually('the empty caBundle is told', async () => /its caBundle is empty/.test(await ready()));
    await inject(fresh, first.certificate);
    await webhook.ready();

    const served = (count: number) =>
      eventually(`${count} certificates were served`, () => {
        return linesOf(webhook, 'certificate of the Secret is served').length === count;
      });
    await served(1);
    const requests = fresh.load();
    await fresh.patch(SECRET, secretOf(await issue(first), first));
    await served(2);
    // Nobody trusts this one yet, and the one before is as good as ever.
    await fresh.patch(SECRET, secretOf(await issue(second), second));
    await sleep(500);
    await inject(fresh, first.certificate + second.certificate);
    await served(3);
    await inject(fresh, second.certificate);
    await sleep(500);
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    assert.equal(await ready(), 'ok\n');

    const { metadata } = await cluster.plane().get(SECRET);
    const writers = new Set(metadata.managedFields.map(({ manager }: { manager: string }) => manager));
    assert.deepEqual(writers, new Set(['somebody']));
    await fresh.patch(SECRET, { data: { 'tls.crt': base64('garbage') } });
    await webhook.line('the certificate Secret can not be used');
    assert.equal(await ready(), 'ok\n');
    assert.doesNotMatch(webhook.process.output(), /PRIVATE KEY/);
  });

  test('with an authority of its own, tagpin leaves cert-manager’s Secret alone, and says what to do', async (t) => {
    const fresh = await cluster.setUp(t);
    await create(fresh, secretOf(await issue(first), first));
    const before = await cluster.plane().get(SECRET);
    const webhook = await startClusterWebhook(t, cluster.plane(), { until: 'started' });
    const { what, problem } = await webhook.line('the certificate Secret can not be used');
    assert.equal(what, 'tagpin-system/tagpin-certificates');
    assert.match(String(problem), /^it is cert-manager's .*: use --certificates cert-manager, or delete it$/);
    assert.match((await webhook.page('/readyz')).body, /use --certificates cert-manager, or delete it/);
    assert.deepEqual(await cluster.plane().get(SECRET), before);
    await fresh.remove(SECRET);
    await webhook.ready();
  });

  test('files are ready to be served when the live configuration trusts them, and called by their names', async (t) => {
    const fresh = await cluster.setUp(t);
    const { folder } = cluster.plane();
    const [certificate, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    async function write(pair: CertificatePair): Promise<void> {
      await writeFile(key, pair.key);
      await writeFile(certificate, pair.certificate);
    }
    await write(await issue(first, ['tagpin.example.org']));
    const args = ['--drain=0s', '--certificates=files', `--certificate=${certificate}`, `--key=${key}`];
    const webhook = await startClusterWebhook(t, cluster.plane(), { args, until: 'listening' });
    const tells = (pattern: RegExp) =>
      eventually(String(pattern), async () => pattern.test((await webhook.page('/readyz')).body));
    await tells(/MutatingWebhookConfiguration tagpin: workloads.tagpin.dev: its caBundle is empty/);
    await inject(fresh, second.certificate);
    await tells(/it is called as 127.0.0.1, and the certificate is for DNS:tagpin.example.org/);
    await write(await issue(first));
    await tells(/its caBundle does not hold the authority of the certificate that is served/);
    await inject(fresh, second.certificate + first.certificate);
    await webhook.ready();
    const requests = fresh.load();
    await sleep(500);
    await requests.stop();
    assert.deepEqual(requests.failures, []);
    await assert.rejects(cluster.plane().get(SECRET), /not found/);
  });
});
