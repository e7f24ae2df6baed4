import assert from 'node:assert/strict';
import { type OciRepositoryTarget, readOciRepository } from '../../src/core/target/oci-repository.ts';

export type Manifest = Readonly<Record<string, unknown>>;

const UID = '6c1f8a0e-0000-4000-8000-000000000002';

/** What of an OCIRepository a test cares about. */
export interface WrittenOciRepository {
  readonly name?: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Manifest;
  readonly ref?: Manifest;
  readonly spec?: Manifest;
}

/** An OCIRepository that follows `>=1.0.0`, unless something else is said. */
export function ociRepository(written: WrittenOciRepository = {}): Manifest {
  const { name = 'podinfo', namespace = 'apps', annotations, metadata, ref, spec } = written;
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: {
      name,
      namespace,
      uid: UID,
      generation: 3,
      annotations: { 'tagpin.dev/follow': 'semver', ...annotations },
      ...metadata,
    },
    spec: {
      url: 'oci://registry.example/manifests/podinfo',
      interval: '1m',
      provider: 'generic',
      ref: { semver: '>=1.0.0', ...ref },
      ...spec,
    },
  };
}

/** It as it is read; it must be one that is followed. */
export function readTarget(object: unknown): OciRepositoryTarget {
  const read = readOciRepository(object, { namespacePaused: false });
  return read.kind === 'read' ? read.target : assert.fail(JSON.stringify(read));
}
