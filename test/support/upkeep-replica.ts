import type { RequestListener } from 'node:http';
import type { CertificateTimes } from '../../src/certificates/rotation.ts';
import type { ServingPair } from '../../src/certificates/serving.ts';
import { type CertificateFacts, type CertificateUpkeep, startUpkeep } from '../../src/certificates/upkeep.ts';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import { openCertificateSecret } from '../../src/kubernetes/secrets/certificate-secret.ts';
import { openWebhookConfigurations } from '../../src/kubernetes/webhook-configurations.ts';
import { type AdmissionServer, startServer } from '../../src/webhook/server.ts';

/** A webhook that allows everything, with the upkeep of its certificate as it ships but for the times. */
export interface UpkeepReplica {
  /** Where it serves; null before its first certificate. */
  readonly port: () => number | null;
  readonly upkeep: CertificateUpkeep;
  /** Messages of its log with their facts, the oldest first. */
  readonly log: readonly { readonly level: string; readonly message: string; readonly facts: unknown }[];
  /** The serving certificates that it has had. */
  readonly served: readonly ServingPair[];
  readonly facts: () => CertificateFacts | null;
}

/** Who it is to the API server, and what differs from what ships. */
export interface UpkeepReplicaOptions {
  readonly kubeconfig: string;
  readonly times: CertificateTimes;
  /** Milliseconds by which its clock is ahead. */
  readonly ahead?: number;
}

/** Starts one; it ends with the test. */
export function startUpkeepReplica(
  t: { after(end: () => unknown): void },
  { kubeconfig, times, ahead = 0 }: UpkeepReplicaOptions,
): UpkeepReplica {
  const client = openKubernetesClient({ environment: {}, kubeconfig });
  const log: { level: string; message: string; facts: unknown }[] = [];
  const served: ServingPair[] = [];
  let facts: CertificateFacts | null = null;
  let server: AdmissionServer | null = null;
  let starting: Promise<void> | null = null;
  const write = (level: string) => (message: string, more: unknown) => log.push({ level, message, facts: more });
  const upkeep = startUpkeep({
    secret: openCertificateSecret(client, { namespace: 'tagpin-system', name: 'tagpin-certificates' }),
    configurations: openWebhookConfigurations(client, 'tagpin'),
    hosts: ['127.0.0.1'],
    times,
    now: () => Date.now() + ahead,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    observe: (next) => {
      facts = next;
    },
    renewed(pair) {
      served.push(pair);
      const certificate = { ...pair, clientAuthority: null };
      if (server !== null) server.renew(certificate);
      starting ??= startServer({ listener: allow, listen: { host: '127.0.0.1', port: 0 }, certificate }).then(
        (started) => {
          server = started;
          const last = served.at(-1);
          if (last !== undefined) started.renew({ ...last, clientAuthority: null });
        },
      );
    },
  });
  t.after(async () => {
    await upkeep.stop();
    await starting;
    await server?.drain(0, AbortSignal.abort());
    await client.close();
  });
  return {
    port: () => (server === null ? null : Number(server.address.split(':').at(-1))),
    upkeep,
    log,
    served,
    facts: () => facts,
  };
}

/** Every review has a handshake of its own: what is served now is what is judged. */
const allow: RequestListener = (request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  request.on('end', () => {
    const { uid } = (JSON.parse(text) as { request: { uid: string } }).request;
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
    response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' }).end(JSON.stringify(review));
  });
};
