import assert from 'node:assert/strict';
import test from 'node:test';
import { choosePlatform, type Platform, parsePlatform } from '../../../src/core/image/platform.ts';

function parsed(text: string): Platform {
  const result = parsePlatform(text);
  assert.ok(result.ok, text);
  return result.platform;
}

const good: readonly (readonly [string, string])[] = [
  ['linux/amd64', 'linux amd64 -'],
  ['Linux/AMD64', 'linux amd64 -'],
  ['linux/arm/v7', 'linux arm v7'],
  ['linux/arm/7', 'linux arm 7'],
  ['linux/x86_64', 'linux amd64 -'],
  ['linux/aarch64', 'linux arm64 -'],
  ['linux/armhf', 'linux arm v7'],
  ['macos/arm64', 'darwin arm64 -'],
  ['windows/amd64', 'windows amd64 -'],
];

for (const [text, expected] of good) {
  test(`${text} is read as ${expected}`, () => {
    const { os, architecture, variant } = parsed(text);
    assert.equal(`${os} ${architecture} ${variant ?? '-'}`, expected);
  });
}

for (const text of [
  '',
  'linux',
  'amd64/',
  '/amd64',
  'linux/',
  'linux/arm/v7/x',
  'linux/arm/',
  'linux /amd64',
  'a/b\n',
]) {
  test(`${JSON.stringify(text)} is no platform`, () => {
    const result = parsePlatform(text);
    assert.ok(!result.ok);
    assert.match(result.problem, /platform/);
  });
}

// [what an index holds, what is wanted, what is chosen]
const choices: readonly (readonly [string, string, string | null])[] = [
  ['linux/amd64 linux/arm64', 'linux/arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64', 'linux/arm64/v8'],
  ['linux/arm64', 'linux/arm64/v8', 'linux/arm64'],
  ['linux/arm/v5 linux/arm/v7 linux/arm/v6', 'linux/arm', 'linux/arm/v7'],
  ['linux/arm/v5 linux/arm/v6', 'linux/arm/v7', 'linux/arm/v6'],
  ['linux/arm/v7', 'linux/arm/v6', null],
  ['linux/amd64/v3 linux/amd64', 'linux/amd64', 'linux/amd64'],
  ['linux/amd64/v2', 'linux/amd64', null],
  ['linux/amd64 linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v2'],
  ['windows/amd64', 'linux/amd64', null],
  ['unknown/unknown', 'linux/amd64', null],
  ['linux/riscv64', 'linux/riscv64', 'linux/riscv64'],
  ['', 'linux/amd64', null],
];

for (const [index, wanted, expected] of choices) {
  test(`of "${index}" ${wanted} takes ${expected ?? 'none'}`, () => {
    const entries = index
      .split(' ')
      .filter((name) => name !== '')
      .map((name) => ({ name, platform: parsed(name) }));
    assert.equal(choosePlatform(entries, parsed(wanted))?.name ?? null, expected);
  });
}

test('of equals the first is taken, and an entry without a platform never', () => {
  const platform = parsed('linux/amd64');
  const entries = [
    { name: 'none', platform: null },
    { name: 'first', platform },
    { name: 'second', platform },
  ];
  assert.equal(choosePlatform(entries, platform)?.name, 'first');
});
