import assert from 'node:assert/strict';
import test from 'node:test';
import { imageKey, imageName, parseFollow } from '../../../../src/core/target/workload/follow.ts';
import { referenceOf } from '../../../support/planned-workload.ts';

const IMAGE = 'ghcr.io/acme/app:main';

test('YAML and JSON say the same, and what is not said has its default', () => {
  const yaml = parseFollow(
    `- container: api\n- {image: "${IMAGE}", action: set-env, container: containers/api, env: DIGEST, interval: 5m, min-age: 1h}\n`,
  );
  const json = parseFollow(
    JSON.stringify([
      { container: 'api' },
      { image: IMAGE, action: 'set-env', container: 'api', env: 'DIGEST', interval: '5m', 'min-age': '1h' },
    ]),
  );
  assert.deepEqual([yaml.problems, json], [[], yaml]);
  const [first, second] = yaml.entries;
  const nothing = { image: null, env: null, interval: null, minAge: null };
  assert.deepEqual(first, { name: 'api', action: 'refresh', container: 'api', ...nothing });
  assert.deepEqual(
    [second?.name, second?.action, second?.image?.text, second?.env, second?.interval, second?.minAge],
    ['api/DIGEST', 'set-env', IMAGE, 'DIGEST', 300_000, 3_600_000],
  );
});

// [what is written, the name of the change, what is said of it]
const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['', '*', /there is nothing in it: write a list, as in "- container: NAME"/],
  ['{', '*', /line 1, column \d+: .*write a list/],
  ['true', '*', /it is no list: write a list/],
  ['semver', '*', /"semver" is for an OCIRepository/],
  ['container: api', '*', /it is no list/],
  ['[]', '*', /the list is empty/],
  ['- a: &x {}\n- *y', '*', /there is no anchor &y/],
  ['- {container: a, container: b}', '*', /stands here twice/],
  ['- api', '1', /entry 1: it is no mapping/],
  ['- {}', '1', /needs a container or an image: write container: NAME/],
  [
    '- container: api\n- container: web\n  contaner: api',
    'web',
    /entry 2 \(line 2\): "contaner" .*did you mean container\?/,
  ],
  ['- {container: api, minAge: 5m}', 'api', /"minAge" .*did you mean min-age\?/],
  ['- {container: api, platforms: x}', 'api', /these are: image, container, action, env, interval, min-age/],
  ['- {container: api, action: set_env}', 'api', /"set_env" is no action: did you mean set-env\?/],
  ['- {container: api, action: reboot}', 'api', /write one of refresh, set-image, set-env, restart/],
  ['- {container: api, action: set-image}', 'api', /needs the image that it follows: write image: REPOSITORY:TAG/],
  ['- {container: api, action: set-env}', 'api', /needs image: REPOSITORY:TAG and env: VARIABLE/],
  ['- {image: a, action: set-env, container: volumes/m, env: X}', 'volumes/m/X', /a volume has no environment/],
  ['- {container: api, env: X}', 'api/X', /env does nothing with action: refresh/],
  [`- {image: "a@sha256:${'0'.repeat(64)}"}`, '1', /a digest never changes: write the tag/],
  ['- {image: "A:1"}', '1', /upper-case/],
  ['- {container: Api}', '1', /is no name of a container/],
  ['- {container: "api,web"}', '1', /is no name of a container/],
  ['- {container: api, interval: 5}', 'api', /interval must be text: put it in quotes/],
  ['- {container: api, interval: soon}', 'api', /no duration of a second or more/],
  ['- {container: api, min-age: -1h}', 'api', /is no duration/],
  ['- {container: }', '1', /container has no value/],
  ['- {container: [api]}', '1', /container must be text/],
  [`- {image: a, container: api, action: set-env, env: "A=B"}`, 'api', /is no name of a variable/],
  ['- container: a\n'.repeat(101), '*', /more than 100 entries/],
  [`- container: ${'a'.repeat(20_000)}`, '*', /longer than 16 KiB/],
];
for (const [text, name, message] of wrong) {
  test(`it says what is wrong with ${JSON.stringify(text.slice(0, 60))}`, () => {
    const { problems } = parseFollow(text);
    assert.equal(problems[0]?.name, name);
    assert.match(problems[0]?.problem ?? '', message);
  });
}

test('an entry with an error leaves the others as they are', () => {
  const { entries, problems } = parseFollow('- {container: api}\n- {container: web, action: no}');
  assert.deepEqual([entries.map(({ name }) => name), problems.map(({ name }) => name)], [['api'], ['web']]);
});

test('images are named by their container, by its variable, and else by themselves', () => {
  assert.deepEqual(
    [imageKey('containers/api', null), imageKey('initContainers/a', 'B')],
    ['api', 'initContainers/a/B'],
  );
  assert.equal(imageName(referenceOf('nginx')), 'docker.io/library/nginx:latest');
});
