import type { TestContext } from 'node:test';
import { parseReview } from '../../src/core/admission/request.ts';
import { refusal } from '../../src/core/admission/response.ts';
import { createApp } from '../../src/webhook/app.ts';
import { BodyMemory } from '../../src/webhook/body.ts';
import { createExchange, type ExchangeReport } from '../../src/webhook/exchange.ts';
import { DEFAULT_GATE, Gate, type GateOptions } from '../../src/webhook/limits.ts';
import type { Mutate } from '../../src/webhook/mutate.ts';
import { type AdmissionServer, type ConnectionTimes, startServer } from '../../src/webhook/server.ts';
import { issueTestCertificates, type TestCertificates } from './certificate.ts';
import { type HttpsClient, httpsClient } from './https-client.ts';

/** A review that reads its body and allows everything. */
export const allow: Mutate = async (body) => {
  const parsed = parseReview(parseJson(body));
  if (!parsed.ok) {
    const review = refusal(parsed.uid, 400, 'BadRequest', parsed.problem);
    return { status: 400, review, record: null, namespace: null };
  }
  const response = { uid: parsed.request.uid, allowed: true };
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response } as const;
  return { status: 200, review, record: null, namespace: parsed.request.namespace };
};

export interface TestServerOptions {
  readonly review?: Mutate;
  readonly gate?: GateOptions;
  readonly memoryBytes?: number;
  readonly times?: ConnectionTimes;
  /** Clients must show a certificate of this authority, PEM. */
  readonly clientAuthority?: string;
}

/** A server of the admission port in this process, and what it told. */
export interface TestServer {
  readonly server: AdmissionServer;
  readonly client: HttpsClient;
  readonly certificates: TestCertificates;
  readonly reports: readonly ExchangeReport[];
  /** What nobody expected, as `uid: message`. */
  readonly failures: readonly string[];
}

/** Keys take time, and no test needs its own. */
const certificates = await issueTestCertificates();

/** Starts a server that ends with the test, answering `POST /mutate`. */
export async function startTestServer(context: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
  const { review = allow, gate = DEFAULT_GATE, memoryBytes, clientAuthority = null } = options;
  const reports: ExchangeReport[] = [];
  const failures: string[] = [];
  const failed = (uid: string, error: unknown): void => {
    failures.push(`${uid}: ${error instanceof Error ? error.message : String(error)}`);
  };
  const exchange = createExchange({
    review,
    gate: new Gate(gate),
    memory: new BodyMemory(memoryBytes),
    report: (report) => reports.push(report),
    failed,
  });
  const { certificate, key } = certificates.serving;
  const server = await startServer({
    listener: createApp({ '/mutate': exchange, '/validate-policy': exchange }, (error) => failed('', error)),
    listen: { host: '127.0.0.1', port: 0 },
    certificate: { certificate, key, clientAuthority, expires: new Date() },
    ...(options.times !== undefined && { times: options.times }),
  });
  const client = httpsClient(server.address, certificates.authority.certificate);
  context.after(async () => {
    client.close();
    await server.drain(0, AbortSignal.abort());
  });
  return { server, client, certificates, reports, failures };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}
