import { LOG_LEVELS, type LogLevel } from '../platform/log.ts';
import type { ListenAddress } from '../platform/network/listen.ts';
import {
  type Flags,
  oneOf,
  parseAddress,
  parseDrain,
  parseFile,
  parseHosts,
  parseLabelName,
  parseObjectName,
  parseSwitch,
  type Setting,
  SettingSource,
} from './settings.ts';

/** The settings of `tagpin webhook`, in the order of its help. */
export const WEBHOOK_SETTINGS = [
  {
    name: 'listen',
    value: 'address',
    help: 'where admission is served, over HTTPS; port 0 takes a free one',
    default: '0.0.0.0:8443',
  },
  {
    name: 'operations-listen',
    value: 'address',
    help: 'where /healthz, /readyz and /metrics are served, over plain HTTP',
    default: '0.0.0.0:8080',
  },
  {
    name: 'kubeconfig',
    value: 'file',
    help: 'how to reach the cluster; without it, as the Pod that this runs in',
    default: null,
  },
  {
    name: 'namespace',
    value: 'name',
    help: "tagpin's own namespace, where its policy and certificates are (default: the Pod's, or tagpin-system)",
    default: null,
  },
  {
    name: 'certificates',
    value: 'source',
    help: 'where the serving certificate comes from: self (made and renewed by tagpin), cert-manager or files',
    default: null,
  },
  {
    name: 'service',
    value: 'name',
    help: 'the Service that the certificate is made for',
    default: 'tagpin-webhook',
  },
  {
    name: 'certificate-hosts',
    value: 'list',
    help: 'more names and addresses that the certificate is made for, with commas between them',
    default: null,
  },
  {
    name: 'webhook-configuration',
    value: 'name',
    help: 'the two webhook configurations, both of this name, that must trust the certificate',
    default: 'tagpin',
  },
  { name: 'standalone', value: null, help: 'run without a cluster, from the files below', default: null },
  { name: 'policy', value: 'file', help: 'the policy; a change holds within a second', default: null },
  {
    name: 'certificate',
    value: 'file',
    help: 'the serving certificate, PEM; read again when it changes',
    default: null,
  },
  { name: 'key', value: 'file', help: 'its key, PEM', default: null },
  {
    name: 'client-ca',
    value: 'file',
    help: 'authorities, PEM: serve only clients with a certificate of theirs',
    default: null,
  },
  {
    name: 'drain',
    value: 'duration',
    help: 'how long to serve on after SIGTERM, until nobody sends requests here any more',
    default: '10s',
  },
  { name: 'log-level', value: 'level', help: LOG_LEVELS.join(', '), default: 'info' },
] as const satisfies readonly Setting[];

type Name = (typeof WEBHOOK_SETTINGS)[number]['name'];
type WebhookSource = SettingSource<Name>;

const CERTIFICATE_SOURCES = ['self', 'cert-manager', 'files'] as const;

/** What `tagpin webhook` runs with. */
export interface WebhookConfiguration {
  readonly listen: ListenAddress;
  readonly operationsListen: ListenAddress;
  /** A file of the authorities of clients' certificates; null where clients need none. */
  readonly clientAuthority: string | null;
  readonly drainMilliseconds: number;
  readonly logLevel: LogLevel;
  readonly mode: StandaloneSettings | ClusterSettings;
}

/** The files of a serving certificate. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** A webhook without a cluster runs from files. */
export interface StandaloneSettings extends CertificatePaths {
  readonly kind: 'standalone';
  readonly policy: string;
}

/** Where a webhook in a cluster finds what it needs. */
export interface ClusterSettings {
  readonly kind: 'cluster';
  /** Null for the identity of the Pod. */
  readonly kubeconfig: string | null;
  /** Null for the Pod's own, or tagpin-system. */
  readonly namespace: string | null;
  readonly certificates: ClusterCertificates;
  /** The name of the mutating and of the validating webhook configuration. */
  readonly webhookConfiguration: string;
}

/** Where the certificate of a webhook in a cluster comes from. */
export type ClusterCertificates =
  /** Issued and rotated by tagpin, for a Service and for further names and addresses. */
  | { readonly kind: 'self'; readonly service: string; readonly hosts: readonly string[] }
  | { readonly kind: 'cert-manager' }
  | ({ readonly kind: 'files' } & CertificatePaths);

export type ParsedConfiguration =
  | { readonly ok: true; readonly configuration: WebhookConfiguration }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads the configuration of `tagpin webhook`. A flag beats its variable, which beats the default.
 *
 * @param flags what was given on the command line, by setting; true for a switch.
 * @returns the configuration, frozen, or everything that is wrong with it, each problem with the name it was given by.
 */
export function readWebhookConfiguration(
  flags: Flags,
  environment: Readonly<Record<string, string | undefined>>,
): ParsedConfiguration {
  const source: WebhookSource = new SettingSource<Name>(WEBHOOK_SETTINGS, flags, environment);
  const { problems } = source;

  const listen = source.read('listen', parseAddress);
  const operationsListen = source.read('operations-listen', parseAddress);
  const isStandalone = source.read('standalone', parseSwitch) === true;
  const mode = isStandalone ? readStandalone(source) : readCluster(source);
  const clientAuthority = source.read('client-ca', parseFile);
  const drainMilliseconds = source.read('drain', parseDrain);
  const logLevel = source.read('log-level', oneOf(LOG_LEVELS));
  if (listen !== null && operationsListen !== null && listen.port !== 0 && sameAddress(listen, operationsListen)) {
    problems.push(`${source.nameOf('operations-listen')}: the same address as --listen`);
  }

  const isWhole = listen !== null && operationsListen !== null && drainMilliseconds !== null && logLevel !== null;
  if (problems.length > 0 || !isWhole || mode === null) return { ok: false, problems };
  const configuration = { listen, operationsListen, clientAuthority, drainMilliseconds, logLevel };
  return { ok: true, configuration: Object.freeze({ ...configuration, mode: Object.freeze(mode) }) };
}

function readStandalone(source: WebhookSource): StandaloneSettings | null {
  const policy = source.read('policy', parseFile);
  const files = readFiles(source);
  const certificates = source.read('certificates', oneOf(CERTIFICATE_SOURCES));
  const needed = ['policy', 'certificate', 'key'] as const;
  const missing = needed.filter((name) => source.isMissing(name)).map((name) => `--${name} FILE`);
  if (missing.length > 0) source.problems.push(`--standalone needs ${missing.join(', ')}`);
  if (certificates !== null && certificates !== 'files') {
    const problem = '--standalone serves the certificate of --certificate: say files';
    source.problems.push(`${source.nameOf('certificates')}: ${problem}`);
  }
  source.refuse(
    ['kubeconfig', 'namespace', 'service', 'certificate-hosts', 'webhook-configuration'],
    'only in a cluster, not with --standalone',
  );
  return policy === null || files === null ? null : { kind: 'standalone', policy, ...files };
}

function readCluster(source: WebhookSource): ClusterSettings | null {
  const kubeconfig = source.read('kubeconfig', parseFile);
  const namespace = source.read('namespace', parseLabelName);
  const webhookConfiguration = source.read('webhook-configuration', parseObjectName);
  source.read('policy', parseFile);
  source.refuse(['policy'], 'only together with --standalone: in a cluster the ConfigMap tagpin-policy holds it');
  const certificates = readCertificates(source);
  if (certificates === null || webhookConfiguration === null) return null;
  return { kind: 'cluster', kubeconfig, namespace, certificates: Object.freeze(certificates), webhookConfiguration };
}

function readCertificates(source: WebhookSource): ClusterCertificates | null {
  const isGiven = !source.isMissing('certificates');
  const kind = isGiven ? source.read('certificates', oneOf(CERTIFICATE_SOURCES)) : 'self';
  const service = source.read('service', parseLabelName);
  const hosts = source.read('certificate-hosts', parseHosts) ?? [];
  const files = readFiles(source);
  if (kind === null) return null;
  if (kind !== 'self') {
    source.refuse(['service', 'certificate-hosts'], 'only with --certificates self: nobody else makes one for them');
  }
  switch (kind) {
    case 'self':
    case 'cert-manager':
      source.refuse(['certificate', 'key'], 'only together with --standalone or --certificates files');
      if (kind === 'cert-manager') return { kind };
      return service === null ? null : { kind, service, hosts };
    case 'files': {
      const needed = ['certificate', 'key'] as const;
      const missing = needed.filter((name) => source.isMissing(name)).map((name) => `--${name} FILE`);
      if (missing.length > 0) source.problems.push(`--certificates files needs ${missing.join(', ')}`);
      return files === null ? null : { kind, ...files };
    }
  }
}

function readFiles(source: WebhookSource): CertificatePaths | null {
  const certificate = source.read('certificate', parseFile);
  const key = source.read('key', parseFile);
  return certificate === null || key === null ? null : { certificate, key };
}

function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
