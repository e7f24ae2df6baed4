import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { runProcess } from '../support/process.ts';

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

test('a chain leads over the authorities that come with the certificate', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  const run = (...args: readonly string[]) => runProcess('openssl', args, { directory: folder.path });
  const openssl = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
  };
  const read = (name: string) => readFile(join(folder.path, name), 'utf8');
  await writeFile(join(folder.path, 'ca'), 'basicConstraints=critical,CA:TRUE\n');
  await writeFile(join(folder.path, 'leaf'), `subjectAltName=DNS:${HOST}\n`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', 'root.key', '-out', 'root.crt', '-subj', '/CN=root', '-days', '9');
  for (const [name, issuer, extensions] of [
    ['middle', 'root', 'ca'],
    ['leaf', 'middle', 'leaf'],
  ] as const) {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signing = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-days', '9'];
    await openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signing, '-extfile', extensions);
  }
  const [root, middle, end] = await Promise.all(['root.crt', 'middle.crt', 'leaf.crt'].map(read));
  const now = new Date();
  const problem = (certificate: string, caBundle: string | undefined) =>
    trustProblem([mutating([{ caBundle: caBundle ?? '' }])], { certificate, key: '', expires: now }, now);
  assert.equal(problem(`${end}${middle}`, root), null);
  assert.equal(problem(`${end}${root}${middle}`, root), null);
  assert.equal(problem(`${end}`, middle), null);
  assert.match(problem(`${end}`, root) ?? '', /does not hold the authority/);
  assert.match(problem(`${end}${root}`, root) ?? '', /does not hold the authority/);
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
