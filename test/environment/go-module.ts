import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A folder of ours with `go.mod` and `go.sum`: for programs whose own modules have replace lines, which `go install
 * PACKAGE@VERSION` refuses, or that are ours.
 */
export interface GoModule {
  readonly folder: string;
  /** What `go build -ldflags` takes. */
  readonly linkerFlags: string;
  /** Of everything that decides what is built; 12 hexadecimal digits. */
  readonly fingerprint: string;
  /** The version that `go.mod` requires of the module that a package belongs to. @throws Error where it requires none. */
  versionOf(path: string): string;
}

/** Reads such a folder; the linker's flags may depend on the versions in it. */
export function goModule(folder: string, flags: (versionOf: GoModule['versionOf']) => string): GoModule {
  const text = readFileSync(join(folder, 'go.mod'), 'utf8');
  const versions = new Map([...text.matchAll(/^(?:require)?\s+(\S+) (v\S+)/gm)].map(([, path, v]) => [path, v]));
  const versionOf = (path: string): string => {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const version = versions.get(path.slice(0, end));
      if (version !== undefined) return version;
    }
    throw new Error(`${join(folder, 'go.mod')} requires nothing that has ${path}`);
  };
  const linkerFlags = flags(versionOf);
  const hash = createHash('sha256')
    .update(text)
    .update(readFileSync(join(folder, 'go.sum')))
    .update(linkerFlags);
  for (const file of readdirSync(folder).toSorted()) {
    if (file.endsWith('.go')) hash.update(readFileSync(join(folder, file)));
  }
  return { folder, linkerFlags, fingerprint: hash.digest('hex').slice(0, 12), versionOf };
}

/** The module of Kubernetes' programs and etcd. Without the flags they call themselves v0.0.0. */
export function kubernetesModule(folder: string): GoModule {
  return goModule(folder, (versionOf) => {
    const version = versionOf('k8s.io/kubernetes');
    const [major = '', minor = ''] = version.slice(1).split('.');
    const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
    const named = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
    return ['-s', '-w', ...named].join(' ');
  });
}
