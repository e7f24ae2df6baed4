import assert from 'node:assert/strict';
import test from 'node:test';
import { FOLLOWING_KINDS, type FollowingKind, readRollout } from '../../../../src/core/target/workload/rollout.ts';

interface Row {
  readonly kind: FollowingKind;
  readonly spec?: object;
  readonly status: object;
  readonly expected: string;
}

function judge({ kind, spec = {}, status }: Omit<Row, 'expected'>): string {
  const object = { metadata: { generation: 2 }, spec, status: { observedGeneration: 2, ...status } };
  const rollout = readRollout(kind, object);
  return 'why' in rollout ? `${rollout.kind}: ${rollout.why}` : rollout.kind;
}

const done = { replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 2 };
const rows: readonly Row[] = [
  { kind: 'Deployment', spec: { replicas: 2 }, status: done, expected: 'settled' },
  {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...done, observedGeneration: 1 },
    expected: 'rolling: its controller has not seen the change',
  },
  {
    kind: 'Deployment',
    spec: {},
    status: { observedGeneration: 0 },
    expected: 'rolling: its controller has not seen the change',
  },
  { kind: 'Deployment', spec: { replicas: 3 }, status: done, expected: 'rolling: 2 of 3 new Pods have been made' },
  {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...done, replicas: 3 },
    expected: 'rolling: 1 old Pod is still there',
  },
  {
    kind: 'Deployment',
    spec: { replicas: 2 },
    status: { ...done, availableReplicas: 1 },
    expected: 'rolling: 1 of 2 new Pods are available',
  },
  { kind: 'Deployment', spec: { replicas: 0 }, status: {}, expected: 'settled' },
  { kind: 'Deployment', status: {}, expected: 'rolling: 0 of 1 new Pods have been made' },
  { kind: 'Deployment', spec: { paused: true }, status: {}, expected: 'paused' },
  {
    kind: 'Deployment',
    status: {
      ...done,
      conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'timed out' }],
    },
    expected: 'stuck: ProgressDeadlineExceeded: timed out',
  },
  {
    kind: 'Deployment',
    status: { observedGeneration: 1, conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded' }] },
    expected: 'rolling: its controller has not seen the change',
  },
  {
    kind: 'StatefulSet',
    spec: { replicas: 2 },
    status: { ...done, currentRevision: 'b', updateRevision: 'b' },
    expected: 'settled',
  },
  {
    kind: 'StatefulSet',
    spec: { replicas: 2 },
    status: { ...done, readyReplicas: 1 },
    expected: 'rolling: 1 of 2 Pods are ready',
  },
  {
    kind: 'StatefulSet',
    spec: { replicas: 2 },
    status: { ...done, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    expected: 'rolling: 1 of 2 Pods are new',
  },
  {
    kind: 'StatefulSet',
    spec: { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
    status: { ...done, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    expected: 'settled',
  },
  {
    kind: 'StatefulSet',
    spec: { replicas: 3, updateStrategy: { rollingUpdate: { partition: 1 } } },
    status: { readyReplicas: 3, updatedReplicas: 1 },
    expected: 'rolling: 1 of 2 Pods beyond the partition are new',
  },
  {
    kind: 'StatefulSet',
    spec: { replicas: 0 },
    status: { currentRevision: 'a', updateRevision: 'b' },
    expected: 'settled',
  },
  {
    kind: 'StatefulSet',
    spec: { updateStrategy: { type: 'OnDelete' } },
    status: { observedGeneration: 0 },
    expected: 'none: its strategy is OnDelete: Pods run it once they are deleted',
  },
  { kind: 'DaemonSet', status: { desiredNumberScheduled: 0 }, expected: 'settled' },
  {
    kind: 'DaemonSet',
    status: { desiredNumberScheduled: 2, updatedNumberScheduled: 1 },
    expected: 'rolling: 1 of 2 new Pods have been scheduled',
  },
  {
    kind: 'DaemonSet',
    status: { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
    expected: 'rolling: 1 of 2 new Pods are available',
  },
  { kind: 'CronJob', status: {}, expected: 'none: its next Job runs it' },
];
for (const [index, row] of rows.entries()) {
  test(`${index}. a ${row.kind} is ${row.expected}`, () => assert.equal(judge(row), row.expected));
}

test('the time to get on is ten minutes, or what a Deployment says, but not for ever', () => {
  const patience = (progressDeadlineSeconds?: number): number | null => {
    const rollout = readRollout('Deployment', {
      metadata: { generation: 2 },
      spec: { progressDeadlineSeconds },
      status: {},
    });
    return rollout.kind === 'rolling' ? rollout.patience / 1000 : null;
  };
  assert.deepEqual([patience(), patience(60), patience(3600), patience(2 ** 31 - 1)], [600, 600, 3600, 600]);
});

test('what is no object of its kind is one that its controller has not seen', () => {
  for (const kind of FOLLOWING_KINDS) {
    for (const object of [null, 7, {}, { status: { observedGeneration: 'x' } }]) {
      assert.match(readRollout(kind, object).kind, kind === 'CronJob' ? /none/ : /rolling/);
    }
  }
});
