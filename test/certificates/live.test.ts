import assert from 'node:assert/strict';
import test from 'node:test';
import { parseBundle } from '../../src/certificates/authority.ts';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import {
  type LiveConfiguration,
  type LiveWebhook,
  misfits,
  OUR_WEBHOOKS,
  trustProblem,
  webhookFacts,
} from '../../src/certificates/live.ts';
import type { ServingPair } from '../../src/certificates/serving.ts';
import { installObjects } from '../support/chart.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const DAY = 24 * 60 * 60_000;
const HOST = 'tagpin-webhook.tagpin-system.svc';

const authority = await issueAuthority({ name: 'authority', ...validFor(NOW, 30 * DAY) });
const other = await issueAuthority({ name: 'authority', ...validFor(NOW, DAY) });
const leaf = await issueServing({ authority, name: 'leaf', hosts: [HOST, '::1'], ...validFor(NOW, 7 * DAY) });
const pair: ServingPair = { ...leaf, expires: new Date(NOW.getTime() + 7 * DAY) };

function mutating(webhooks: readonly Partial<LiveWebhook>[] | null): LiveConfiguration {
  const all = webhooks?.map((one) => ({ name: 'workloads.tagpin.dev', caBundle: '', host: HOST, ...one }));
  const state = all === undefined ? null : { version: '1', revision: 'a/1', webhooks: all, injector: null };
  return { kind: 'MutatingWebhookConfiguration', name: 'tagpin', state };
}

test('our webhooks are those of deploy/', () => {
  for (const [kind, names] of Object.entries(OUR_WEBHOOKS)) {
    const found = installObjects().filter((object) => object['kind'] === kind);
    assert.deepEqual(
      found.flatMap((object) => (object['webhooks'] as { name: string }[]).map(({ name }) => name)),
      names,
    );
  }
});

test('what is served is trusted, or the reason is told', () => {
  const whole = authority.certificate;
  const rows: readonly [string, LiveConfiguration[] | null, RegExp | null, Date?][] = [
    ['its authority alone', [mutating([{ caBundle: whole }])], null],
    ['beside another', [mutating([{ caBundle: other.certificate + whole }])], null],
    ['with text around it', [mutating([{ caBundle: `ours:\n${whole}\nnobody's` }])], null],
    ['itself, as Go has it', [mutating([{ caBundle: pair.certificate }])], null],
    ['as an address', [mutating([{ caBundle: whole, host: '::1' }])], null],
    ['whatever it is called as', [mutating([{ caBundle: whole, host: null }])], null],
    ['somebody else’s webhook', [mutating([{ caBundle: whole }, { name: 'x.example.org' }])], null],
    ['not read yet', null, /has not been read yet/],
    ['missing', [mutating(null)], /^there is no MutatingWebhookConfiguration tagpin$/],
    ['without ours', [mutating([{ name: 'x.example.org' }])], /has none of workloads.tagpin.dev, pods.tagpin.dev$/],
    ['blank', [mutating([{ caBundle: '\n' }])], /workloads.tagpin.dev: its caBundle is empty$/],
    ['garbage', [mutating([{ caBundle: 'x' }])], /nothing in its caBundle is valid$/],
    ['another authority of that name', [mutating([{ caBundle: other.certificate }])], /does not hold the authority/],
    [
      'one of two',
      [mutating([{ caBundle: whole }, { name: 'pods.tagpin.dev' }])],
      /pods.tagpin.dev: its caBundle is e/,
    ],
    [
      'another name',
      [mutating([{ caBundle: whole, host: 'a.b.svc' }])],
      /called as a.b.svc, and the certificate is for /,
    ],
    ['another address', [mutating([{ caBundle: whole, host: '127.0.0.1' }])], /called as 127.0.0.1/],
    ['ended', [mutating([{ caBundle: whole }])], /the certificate ended on 2026-11-28/, new Date('2026-11-29')],
    ['both ended', [mutating([{ caBundle: whole }])], /nothing in its caBundle is valid/, new Date('2027-11-29')],
  ];
  for (const [name, live, expected, now = NOW] of rows) {
    const problem = trustProblem(live, pair, now);
    if (expected === null) assert.equal(problem, null, name);
    else assert.match(problem ?? 'trusted', expected, name);
  }
});

test('a chain leads over the certificates that come with it', async () => {
  // Only an authority of ours can be made here, and it signs leaves only: enough, since what may sign is Go's to judge.
  const middle = await issueServing({ authority, name: 'middle', hosts: ['middle'], ...validFor(NOW, DAY) });
  const chained = { ...pair, certificate: `${pair.certificate}${middle.certificate}${authority.certificate}` };
  assert.equal(trustProblem([mutating([{ caBundle: authority.certificate }])], chained, NOW), null);
  assert.match(trustProblem([mutating([{ caBundle: other.certificate }])], chained, NOW) ?? '', /does not hold/);
});

test('a caBundle is put right where it holds other authorities, not where it only looks different', () => {
  const { authorities } = parseBundle(authority.certificate + other.certificate);
  const both = `${other.certificate}\n# text\n${authority.certificate.replaceAll('\n', '\r\n')}${other.certificate}`;
  const found = (caBundle: string) => misfits(mutating([{ caBundle }, { name: 'x.example.org' }]), authorities);
  assert.deepEqual(found(both), []);
  for (const wrong of [
    '',
    'x',
    authority.certificate,
    pair.certificate + both,
    `${both}-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n`,
  ]) {
    assert.deepEqual(found(wrong), ['workloads.tagpin.dev']);
  }
  assert.deepEqual(misfits(mutating(null), authorities), []);
});

test('each of our webhooks is told of, registered or not', () => {
  const live = [mutating([{ caBundle: authority.certificate }, { name: 'x.example.org' }])];
  const configuration = 'MutatingWebhookConfiguration';
  assert.deepEqual(webhookFacts(live, pair, NOW), [
    { configuration, name: 'workloads.tagpin.dev', registered: true, trusted: true },
    { configuration, name: 'pods.tagpin.dev', registered: false, trusted: false },
  ]);
  assert.equal(webhookFacts(live, null, NOW)[0]?.trusted, false);
});
