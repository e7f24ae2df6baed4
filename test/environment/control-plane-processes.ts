import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { CertificatePair } from '../../src/certificates/pair.ts';
import { issueTestCertificates } from '../support/certificate.ts';
import { type RunningProcess, startProcess } from '../support/process.ts';
import { PROGRAMS, type Program, programFile } from './programs.ts';

/** What the API server is reached and convinced with. */
export interface ApiServerFiles {
  /** PEM of the authority of its own certificate. */
  readonly authority: string;
  /** Signs certificates of users. */
  readonly clientAuthority: CertificatePair;
}

/** Everything is kept but for what controllers say to each other all the time. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'None', nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/openapi*', '/api*'], verbs: ['get'] },
    // Patches of webhooks are told at this level.
    { level: 'Request', verbs: ['create', 'update', 'patch'], resources: [{ group: 'apps' }, { group: 'batch' }] },
    { level: 'Metadata' },
  ],
};

/** Keys take time, and no cluster needs its own: all of them end with the process. */
const serving = await issueTestCertificates('API server');
const { authority: clientAuthority } = await issueTestCertificates('users');
const serviceAccounts = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Writes what `startApiServer` reads. */
export async function apiServerFiles(folder: string): Promise<ApiServerFiles> {
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
  write('server.crt', serving.serving.certificate);
  write('server.key', serving.serving.key);
  write('server-ca.crt', serving.authority.certificate);
  write('client-ca.crt', clientAuthority.certificate);
  write('service-accounts.pub', serviceAccounts.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  write('service-accounts.key', serviceAccounts.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  write('audit-policy.yaml', JSON.stringify(AUDIT_POLICY));
  return { authority: serving.authority.certificate, clientAuthority };
}

/** Starts etcd on a socket in the folder: no port, so none that another could have taken. */
export async function startEtcd(folder: string): Promise<RunningProcess> {
  // Nobody is told these; etcd wants them to be host and port.
  const nowhere = 'http://127.0.0.1:1';
  const process = start(PROGRAMS.etcd, folder, {
    'data-dir': join(folder, 'etcd'),
    'listen-client-urls': socketOf(folder),
    'advertise-client-urls': nowhere,
    'listen-peer-urls': `unix://${join(folder, 'etcd-peer.sock')}`,
    'initial-advertise-peer-urls': nowhere,
    'initial-cluster': `default=${nowhere}`,
    'unsafe-no-fsync': 'true',
    'log-level': 'info',
  });
  await process.waitFor(/ready to serve client requests/);
  return process;
}

/** Starts kube-apiserver; `apiServerFiles` has been there. Its audit log is `audit.log`. */
export function startApiServer(folder: string, port: number, more: readonly string[]): RunningProcess {
  const flags = {
    'etcd-servers': socketOf(folder),
    'secure-port': port,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'cert-dir': folder,
    'tls-cert-file': join(folder, 'server.crt'),
    'tls-private-key-file': join(folder, 'server.key'),
    'client-ca-file': join(folder, 'client-ca.crt'),
    'service-account-key-file': join(folder, 'service-accounts.pub'),
    'service-account-signing-key-file': join(folder, 'service-accounts.key'),
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'authorization-mode': 'RBAC',
    'service-cluster-ip-range': '10.0.0.0/24',
    'disable-admission-plugins': 'ServiceAccount',
    'allow-privileged': 'true',
    'audit-policy-file': join(folder, 'audit-policy.yaml'),
    'audit-log-path': join(folder, 'audit.log'),
  };
  return start(PROGRAMS.kubeApiserver, folder, flags, more);
}

/** Those that a cluster without Nodes, volumes and clouds has work for. */
const CONTROLLERS = [
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'daemonset-controller',
  'deployment-controller',
  'disruption-controller',
  'garbage-collector-controller',
  'job-controller',
  'namespace-controller',
  'replicaset-controller',
  'replicationcontroller-controller',
  'root-ca-certificate-publisher-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'statefulset-controller',
  'ttl-after-finished-controller',
];

/** Starts kube-controller-manager, with a kubeconfig of `system:kube-controller-manager`. It listens nowhere. */
export function startControllers(folder: string, kubeconfig: string): RunningProcess {
  return start(PROGRAMS.kubeControllerManager, folder, {
    kubeconfig,
    controllers: CONTROLLERS.join(','),
    'use-service-account-credentials': 'true',
    'service-account-private-key-file': join(folder, 'service-accounts.key'),
    'root-ca-file': join(folder, 'server-ca.crt'),
    'leader-elect': 'false',
    'secure-port': 0,
    'kube-api-qps': 500,
    'kube-api-burst': 1000,
  });
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function socketOf(folder: string): string {
  return `unix://${join(folder, 'etcd.sock')}`;
}

function start(
  program: Program,
  folder: string,
  flags: Readonly<Record<string, string | number>>,
  more: readonly string[] = [],
): RunningProcess {
  const isOverridden = (name: string): boolean => more.some((flag) => flag.startsWith(`--${name}=`));
  const args = Object.entries(flags)
    .filter(([name]) => !isOverridden(name))
    .map(([name, value]) => `--${name}=${value}`);
  return startProcess(programFile(program), [...args, ...more], { environment: { HOME: folder }, directory: folder });
}
