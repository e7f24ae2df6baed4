import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Constraint, parseConstraint, satisfies, textSatisfies } from '../../../src/core/version/constraint.ts';
import { parseVersion } from '../../../src/core/version/version.ts';
import { RANGES, REFUSED_RANGES, VERSIONS } from '../../cases/masterminds.ts';

function constraint(text: string): Constraint {
  const parsed = parseConstraint(text);
  return parsed.ok ? parsed.constraint : assert.fail(`${text}: ${parsed.problem}`);
}

function membersOf(range: string): string {
  const parsed = constraint(range);
  return VERSIONS.filter((text) => {
    const version = parseVersion(text);
    return version !== null && satisfies(parsed, version);
  }).join(' ');
}

for (const [range, versions] of RANGES) {
  test(`${JSON.stringify(range)} holds what Masterminds/semver says`, () => {
    assert.equal(membersOf(range), versions);
  });
}

for (const range of REFUSED_RANGES) {
  test(`${JSON.stringify(range)} is no range`, () => {
    const parsed = parseConstraint(range);
    assert.ok(!parsed.ok);
    assert.match(parsed.problem, /is not a version range|can be compared|side of \|\| is empty/);
  });
}

test('an empty range is *, as Argo CD Image Updater has it', () => {
  assert.equal(membersOf(''), membersOf('*'));
  assert.equal(membersOf(' \t'), membersOf('*'));
});

test('white space of any kind divides, and does not count at the ends', () => {
  assert.equal(membersOf('\t>=1.2.3\n<2 '), membersOf('>=1.2.3, <2'));
});

test('a range of 32 alternatives is the longest, and one of 512 characters', () => {
  const alternatives = Array.from({ length: 32 }, (_, index) => `${index}.x`);
  assert.ok(parseConstraint(alternatives.join('||')).ok);
  assert.match(JSON.stringify(parseConstraint([...alternatives, '33.x'].join('||'))), /more than 32 alternatives/);
  assert.ok(parseConstraint(`>=1${' '.repeat(509)}`).ok);
  assert.match(JSON.stringify(parseConstraint(`>=1${' '.repeat(510)}`)), /longer than 512 characters/);
});

test('a range that makes a backtracking engine try for ever is refused at once', () => {
  const started = process.cpuUsage().user;
  assert.ok(!parseConstraint(`${'1   '.repeat(127)}!`).ok);
  assert.ok(process.cpuUsage().user - started < 5e6, 'took over five seconds');
});

test('a text that is no version is in no range', () => {
  assert.equal(textSatisfies(constraint('*'), 'latest'), false);
  assert.equal(textSatisfies(constraint('*'), '1.27'), true);
  assert.equal(textSatisfies(constraint('*'), '1.27-alpine'), false);
});
