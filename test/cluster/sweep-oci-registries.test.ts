/** How `tagpin sweep` asks the registries of Flux OCIRepositories: credentials, certificates, proxies, plain HTTP. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import type { Manifest } from '../support/admission.ts';
import { startConnectProxy, startMutualTls } from '../support/loopback-tunnels.ts';
import { ociCluster } from '../support/oci-cluster.ts';
import { CANARY, dockerSecret, serviceAccount } from '../support/pull-secrets.ts';
import { startRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';

describe('registries of OCIRepositories', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const { cluster, shared, apply, create, edit, sweep, policy, otherPolicy, opaque, pathOf } = ociCluster();

  test('bring their pull secret, or those of a ServiceAccount', async (t) => {
    const registry = await startRegistry({ auth: 'token', passwords: { robot: CANARY } });
    t.after(() => registry.close());
    await otherPolicy(t, policyFor(cluster.registry().host, `  - {host: "${registry.host}", plainHttp: true}\n`));
    const digest = registry.pushImage('acme/private', '1.0.0');
    const spec = { url: `oci://${registry.host}/acme/private` };
    for (const more of [{ secretRef: { name: 'pull' } }, { serviceAccountName: 'puller' }, {}]) {
      const namespace = await shared.namespace();
      await apply(dockerSecret(namespace, 'pull', { [registry.host]: `robot:${CANARY}` }));
      await apply(serviceAccount(namespace, 'puller', ['pull']));
      await create(namespace, { spec: { ...spec, ...more } });
      const came = await sweep(namespace);
      if (Object.keys(more).length === 0) assert.match(came.message, /^Unauthorized: /);
      else assert.deepEqual([came.said, came.to], ['written Moved', `1.0.0@${digest}`], JSON.stringify(came));
      assert.doesNotMatch(JSON.stringify(came), new RegExp(CANARY));
      await shared.client.request({ method: 'DELETE', path: `${pathOf(namespace)}/app` });
    }
  });

  test('are asked for with their own authority and client certificate, through their own proxy', async (t) => {
    const validity = validFor(new Date(), 3_600_000);
    const authority = await issueAuthority({ name: 'their authority', ...validity });
    const issue = (name: string) => issueServing({ name, authority, hosts: ['127.0.0.1'], ...validity });
    const [serving, client] = await Promise.all([issue('registry'), issue('flux')]);
    const [plain, proxy] = await Promise.all([startRegistry(), startConnectProxy()]);
    const { certificate, key } = serving;
    const front = await startMutualTls(plain.host, { key, certificate, authority: authority.certificate });
    for (const each of [plain, proxy, front]) t.after(() => each.close());
    const digest = plain.pushImage('acme/app', '1.0.0');
    const spec = { url: `oci://${front.host}/acme/app` };
    const lists = (...hosts: readonly string[]) => hosts.map((host) => `  - {host: "${host}"}\n`).join('');
    const allow = `  allow: ["${front.host}", "${cluster.registry().host}"]\n`;

    async function swept(more: Manifest) {
      const namespace = await shared.namespace();
      await opaque(namespace, 'ca', { 'ca.crt': authority.certificate });
      const pair = { 'tls.crt': client.certificate, 'tls.key': client.key };
      await opaque(namespace, 'mutual', { 'ca.crt': authority.certificate, ...pair });
      await opaque(namespace, 'proxy', { address: `http://${proxy.host}`, username: 'robot', password: CANARY });
      await create(namespace, { spec: { ...spec, ...more } });
      const came = await sweep(namespace);
      assert.doesNotMatch(JSON.stringify(came), new RegExp(CANARY));
      await shared.client.request({ method: 'DELETE', path: `${pathOf(namespace)}/app` });
      return came;
    }

    const mutual = { certSecretRef: { name: 'mutual' } };
    const proxied = { ...mutual, proxySecretRef: { name: 'proxy' } };
    await otherPolicy(t, policyFor(cluster.registry().host));
    assert.match((await swept(mutual)).message, /^NotAllowed: .* list it under registries\.hosts/);
    await policy(policyFor(cluster.registry().host, lists(front.host)));
    assert.match((await swept({})).message, /^Unreachable: .* certificate that is not trusted/);
    assert.equal((await swept({ certSecretRef: { name: 'ca' } })).said, 'failed LookupFailed');
    const moved = await swept(mutual);
    assert.deepEqual([moved.said, moved.to], ['written Moved', `1.0.0@${digest}`], moved.message);
    assert.deepEqual([...new Set(front.seen)], ['flux']);
    assert.match(
      (await swept({ certSecretRef: { name: 'gone' } })).message,
      /spec\.certSecretRef: Secret gone is not there/,
    );

    assert.match((await swept(proxied)).message, /^NotAllowed: the proxy for /);
    assert.deepEqual(proxy.seen, []);
    await policy(policyFor(cluster.registry().host, `${lists(front.host, proxy.host)}${allow}`));
    const through = await swept(proxied);
    assert.deepEqual([through.said, through.to], ['written Moved', `1.0.0@${digest}`], through.message);
    const login = Buffer.from(`robot:${CANARY}`).toString('base64');
    assert.deepEqual([...new Set(proxy.seen)], [`Basic ${login} ${front.host}`]);
    await policy(policyFor(cluster.registry().host, `  allow: ["ghcr.io"]\n`));
    assert.match((await swept(mutual)).message, /^NotAllowed: /);
  });

  test('are asked for over plain HTTP where they say so, and then without what is not their own', async (t) => {
    const registry = await startRegistry({ auth: 'basic', passwords: { robot: CANARY } });
    t.after(() => registry.close());
    const digest = registry.pushImage('acme/app', '1.0.0');
    const host = `  - {host: "${registry.host}", credentials: {secret: ours}}\n`;
    await otherPolicy(t, policyFor(cluster.registry().host, host));
    await apply(dockerSecret('tagpin-system', 'ours', { [registry.host]: `robot:${CANARY}` }));
    const namespace = await shared.namespace();
    await apply(dockerSecret(namespace, 'pull', { [registry.host]: `robot:${CANARY}` }));
    await create(namespace, { spec: { url: `oci://${registry.host}/acme/app` } });
    assert.match((await sweep(namespace)).message, /does not speak TLS/);
    await edit(namespace, [{ op: 'add', path: '/spec/insecure', value: true }]);
    assert.match((await sweep(namespace)).message, /^Unauthorized: /);
    assert.ok(registry.requests.length > 0);
    assert.ok(registry.requests.every(({ authorization }) => authorization === null));
    await edit(namespace, [{ op: 'add', path: '/spec/secretRef', value: { name: 'pull' } }]);
    const moved = await sweep(namespace);
    assert.deepEqual([moved.said, moved.to], ['written Moved', `1.0.0@${digest}`], moved.message);
  });
});
