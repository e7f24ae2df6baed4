import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintRegistries } from '../../../src/core/lint/registries.ts';
import { policyOf } from '../../support/policy.ts';

function found(body: string): readonly string[] {
  return lintRegistries(policyOf(body)).map(({ path, code }) => `${path.join('.')} ${code}`);
}

const RULES = (action: string): string =>
  `rules: [{name: a, match: {images: ["quay.io/**", "ghcr.io/a/*"]}, action: ${action}}]\n`;

const rows: readonly (readonly [string, readonly string[]])[] = [
  ['registries: {allow: []}', ['registries.allow NotAllowed']],
  ['defaults: {action: deny}\nregistries: {allow: []}', []],
  ['registries: {allow: [], hosts: [{host: r.internal}]}', []],
  [`${RULES('pin')}registries: {allow: [ghcr.io]}`, ['rules.0.match.images.0 NotAllowed']],
  [`${RULES('deny')}registries: {allow: [ghcr.io]}`, []],
  [`${RULES('pin')}registries: {allow: [ghcr.io], hosts: [{host: quay.io}]}`, []],
  [RULES('pin'), []],
  [
    'registries: {hosts: [{host: docker.io, mirror: "m.io/hub", plainHttp: true, authRealms: [a.io], credentials: {secret: s}}]}',
    ['plainHttp', 'credentials', 'authRealms'].map((key) => `registries.hosts.0.${key} NoEffect`),
  ],
  ['registries: {hosts: [{host: docker.io, mirror: m.io}, {host: m.io, plainHttp: true}]}', []],
];

for (const [body, expected] of rows) {
  test(`${body.replaceAll('\n', ' ')} is found to have ${expected.length} dead settings`, () => {
    assert.deepEqual(found(`${body}\n`), expected);
  });
}
