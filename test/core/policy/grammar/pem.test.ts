import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pemProblem } from '../../../../src/core/policy/grammar/pem.ts';
import { pemOf } from '../../../support/policy.ts';

function block(base64: string): string {
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}

/** A SEQUENCE of so many bytes, with the shortest length that DER has for it. */
function sequence(length: number): string {
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.from([0x30, ...head, ...new Uint8Array(length)]).toString('base64');
}

const good: readonly (readonly [string, string])[] = [
  ['one block', pemOf('CERTIFICATE')],
  ['a bundle with remarks', `# an authority\n${pemOf('CERTIFICATE')}\n# another\n${pemOf('CERTIFICATE')}`],
  ['line ends of Windows', pemOf('CERTIFICATE').replaceAll('\n', '\r\n')],
  ['a length of two bytes', block(sequence(200))],
  ['a length of three bytes, in lines', block(sequence(1000).replaceAll(/.{64}/g, '$&\n'))],
];

for (const [name, text] of good) {
  test(`${name}: nothing is wrong`, () => {
    assert.equal(pemProblem(text, 'CERTIFICATE'), null);
  });
}

const bad: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', /has no block/],
  ['base64 alone', 'MAMCAQE=', /has no block/],
  ['a beginning alone', '-----BEGIN CERTIFICATE-----\n', /without its line -----END CERTIFICATE-----/],
  ['another kind', pemOf('PRIVATE KEY'), /a block of PRIVATE KEY, not of CERTIFICATE/],
  ['another kind behind a good one', pemOf('CERTIFICATE') + pemOf('RSA PRIVATE KEY'), /a block of RSA PRIVATE KEY/],
  ['an empty block', block(''), /not base64/],
  ['no base64', block('!!!!'), /not base64/],
  ['base64 of something else', block('aGVsbG8='), /not base64/],
  ['a value that is cut', block(Buffer.from([0x30, 0x82, 3, 232, 0]).toString('base64')), /not base64/],
  ['a value with more behind it', block(Buffer.from([0x30, 0, 0]).toString('base64')), /not base64/],
  ['an indefinite length', block(Buffer.from([0x30, 0x80, 0, 0]).toString('base64')), /not base64/],
];

for (const [name, text, problem] of bad) {
  test(`${name}: refused`, () => {
    assert.match(pemProblem(text, 'CERTIFICATE') ?? '', problem);
  });
}

test('a public key is asked for by its own label', () => {
  assert.equal(pemProblem(pemOf('PUBLIC KEY'), 'PUBLIC KEY'), null);
  assert.match(pemProblem(pemOf('CERTIFICATE'), 'PUBLIC KEY') ?? '', /not of PUBLIC KEY/);
});
