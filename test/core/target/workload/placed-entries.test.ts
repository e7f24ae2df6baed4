import assert from 'node:assert/strict';
import test from 'node:test';
import { parseFollow } from '../../../../src/core/target/workload/follow.ts';
import { placeEntries } from '../../../../src/core/target/workload/placed-entries.ts';
import { countedEntries, readPins } from '../../../../src/core/workload/pins.ts';
import { imageSlots, readSlot } from '../../../../src/core/workload/slots.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { pinned, type WantedPlan, workloadObject } from '../../../support/planned-workload.ts';

const A = digestOf('a');
const [API, WEB] = ['ghcr.io/acme/api:main', 'ghcr.io/acme/web:main'];

/** `KEY ACTION FOLLOWED` of what has a place, then what is wrong. */
function placed(wanted: WantedPlan): readonly string[] {
  const { kind = 'Deployment' } = wanted;
  const object = workloadObject(wanted);
  const slots = imageSlots(kind, object).map(readSlot);
  const { annotations } = object['metadata'] as { annotations: Record<string, string> };
  const entries = countedEntries(readPins(annotations['tagpin.dev/pins']), slots);
  const read = parseFollow(annotations['tagpin.dev/follow'] ?? '');
  assert.deepEqual(read.problems, []);
  const { images, problems } = placeEntries(kind, object, read.entries, slots, entries);
  return [
    ...images.map(({ key, action, followed }) => `${key} ${action} ${followed.text}`),
    ...problems.map(({ name, problem }) => `${name}: ${problem}`),
  ];
}

const both = { containers: { api: API, web: WEB } };
const pin = {
  containers: { api: `ghcr.io/acme/api@${A}` },
  annotations: pinned({ api: [API, A] }) as Record<string, string>,
};
// [the workload, what comes of it]
const rows: readonly (readonly [string, WantedPlan, readonly (string | RegExp)[]])[] = [
  ['a container follows what it was pinned from', pin, [`api refresh ${API}`]],
  ['a container follows the tag that it has', both, [`api refresh ${API}`]],
  [
    'an init container is found by its name, or by its list',
    { ...both, initContainers: { init: WEB }, follow: [{ container: 'init' }] },
    [`initContainers/init refresh ${WEB}`],
  ],
  [
    'an image means all containers that run it',
    { containers: { a: API, b: API, c: WEB }, follow: [{ image: API }] },
    [`a refresh ${API}`, `b refresh ${API}`],
  ],
  [
    'for set-image, also under another tag',
    { containers: { a: API }, follow: [{ image: 'ghcr.io/acme/api:2', action: 'set-image' }] },
    ['a set-image ghcr.io/acme/api:2'],
  ],
  [
    'an image that no container runs can still restart',
    { ...both, follow: [{ image: 'ghcr.io/acme/job:1', action: 'restart' }] },
    ['ghcr.io/acme/job:1 restart ghcr.io/acme/job:1'],
  ],
  [
    'and nothing else',
    { ...both, follow: [{ image: 'ghcr.io/acme/job:1' }] },
    [/no container runs "ghcr.io\/acme\/job:1", there is .*: name the container/],
  ],
  [
    'a variable follows an image of its own',
    { ...both, follow: [{ image: WEB, action: 'set-env', container: 'api', env: 'D' }] },
    [`api/D set-env ${WEB}`],
  ],
  [
    'a container that is not there has a near one',
    { ...both, follow: [{ container: 'ap' }] },
    [/there is no container "ap": did you mean api\?/],
  ],
  [
    'or there are others',
    { ...both, follow: [{ container: 'nobody' }] },
    [/there is no container "nobody": there is api, web/],
  ],
  [
    'a refresh follows what the container runs, and nothing else',
    { ...both, follow: [{ container: 'api', image: WEB }] },
    [/api runs "ghcr.io\/acme\/api:main", not .*remove image:/],
  ],
  [
    'set-image needs the container to run the image',
    { ...both, follow: [{ container: 'api', image: WEB, action: 'set-image' }] },
    [/container api runs .*name the container that does/],
  ],
  [
    'a place is followed once',
    { ...both, follow: [{ container: 'api' }, { image: API }] },
    [/2 entries follow api: leave one of them/],
  ],
  [
    'what is skipped is not refreshed',
    { ...both, annotations: { 'tagpin.dev/skip': 'api' } },
    [/tagpin.dev\/skip names api/],
  ],
  [
    'what is never pulled is not refreshed',
    { containers: { api: { image: API, imagePullPolicy: 'Never' } } },
    [/pull policy of api is Never/],
  ],
  [
    'a restart that pulls nothing is refused',
    {
      containers: { api: { image: API, imagePullPolicy: 'IfNotPresent' } },
      follow: [{ container: 'api', action: 'restart' }],
    },
    [/pull policy of api is IfNotPresent.*set it to Always/],
  ],
  [
    'a restart of what is pinned is refused',
    { ...pin, follow: [{ container: 'api', action: 'restart' }] },
    [/api is pinned, so that a restart changes nothing/],
  ],
  [
    'a CronJob is not restarted',
    { ...both, kind: 'CronJob', follow: [{ container: 'api', action: 'restart' }] },
    [/a CronJob has nothing to restart/],
  ],
  ['a malformed image is told', { containers: { api: 'UPPER' } }, [/the image of api is malformed/]],
];
for (const [name, wanted, expected] of rows) {
  test(name, () => {
    const found = placed(wanted);
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [index, each] of expected.entries()) {
      if (typeof each === 'string') assert.equal(found[index], each);
      else assert.match(found[index] ?? '', each);
    }
  });
}
