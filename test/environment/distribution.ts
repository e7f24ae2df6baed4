import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from '../support/process.ts';
import { PROGRAMS, programFile } from './programs.ts';

/** How a registry lets people in. */
export type DistributionAuthentication =
  | { readonly kind: 'none' }
  /** Lines of an htpasswd file; it reads bcrypt only. */
  | { readonly kind: 'basic'; readonly htpasswd: string }
  | {
      readonly kind: 'token';
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      readonly keySet: object;
    };

/** How a registry is started. */
export interface DistributionOptions {
  readonly authentication?: DistributionAuthentication;
  /** PEM; without, it speaks plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** A CNCF distribution registry of its own, with an empty store. */
export interface Distribution {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly process: RunningProcess;
  /** Ends it and removes its store. */
  stop(): Promise<void>;
}

/**
 * Starts the registry on a free port of loopback. Images can be deleted from it.
 *
 * @see https://distribution.github.io/distribution/about/configuration/
 */
export async function startDistribution(options: DistributionOptions = {}): Promise<Distribution> {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-distribution-'));
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { authentication = { kind: 'none' }, tls } = options;
  const store = join(folder, 'store');
  mkdirSync(store);
  const configuration = {
    version: 0.1,
    log: { level: 'info', formatter: 'text', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: store }, delete: { enabled: true } },
    http: {
      addr: '127.0.0.1:0',
      secret: 'only one of it',
      ...(tls && { tls: { certificate: file('tls.crt', tls.certificate), key: file('tls.key', tls.key) } }),
    },
    ...authSection(authentication, file),
  };
  // JSON is YAML. The environment is kept out, since REGISTRY_… variables would override the file.
  const running = startProcess(
    programFile(PROGRAMS.registry),
    ['serve', file('config.yml', JSON.stringify(configuration))],
    { environment: { HOME: folder, OTEL_TRACES_EXPORTER: 'none' } },
  );
  const stop = async (): Promise<void> => {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [, host = ''] = await running.waitFor(/listening on (127\.0\.0\.1:\d+)/);
    return { host, process: running, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function authSection(
  authentication: DistributionAuthentication,
  file: (name: string, content: string) => string,
): object {
  if (authentication.kind === 'none') return {};
  if (authentication.kind === 'basic') {
    return { auth: { htpasswd: { realm: 'test', path: file('htpasswd', authentication.htpasswd) } } };
  }
  const { realm, service, issuer, keySet } = authentication;
  return { auth: { token: { realm, service, issuer, jwks: file('keys.json', JSON.stringify(keySet)) } } };
}
