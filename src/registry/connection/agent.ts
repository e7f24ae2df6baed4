import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici';
import { classifyAddress } from './address.ts';
import type { ClientCertificate } from './own.ts';
import type { ProxyReach } from './proxy.ts';

/** How a connection may be made. Connections are shared by requests of the same reach only. */
export interface Reach {
  readonly privateAddresses: boolean;
  /** PEM, added to the system's. */
  readonly certificateAuthority: string | null;
  readonly clientCertificate: ClientCertificate | null;
  /** Null for a direct connection. */
  readonly proxy: ProxyReach | null;
}

/** The name led to an address that this reach does not include. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  /** `private`: listing the host would help. `proxy`: it was not the host's. */
  readonly kind: 'private' | 'forbidden' | 'proxy';

  constructor(kind: AddressRefused['kind']) {
    super('the address is not asked');
    this.kind = kind;
  }
}

/** An authority that TLS does not take. */
export class AuthorityRefused extends Error {
  override readonly name = 'AuthorityRefused';
}

/** Connections, kept for reuse. */
export interface Agents {
  /** The dispatcher of a reach. Throws `AuthorityRefused`. */
  forReach(reach: Reach): Dispatcher;
  /** Breaks all connections. */
  close(): Promise<void>;
}

/** A policy has a handful of authorities; more than this at once are older policies' and can go. */
const MOST_AGENTS = 32;
/** To one host; as many as requests that a transport lets through. */
const MOST_CONNECTIONS = 8;

/**
 * Makes the connections' keeper.
 *
 * @param connectMilliseconds how long a connection may take to stand.
 */
export function createAgents(connectMilliseconds: number): Agents {
  const agents = new Map<string, Dispatcher>();
  return {
    forReach(reach) {
      const { privateAddresses, certificateAuthority, clientCertificate, proxy } = reach;
      const key = JSON.stringify([privateAddresses, certificateAuthority, clientCertificate, proxy]);
      const known = agents.get(key);
      if (known !== undefined) return known;
      const [oldest] = agents;
      if (oldest !== undefined && agents.size >= MOST_AGENTS) {
        agents.delete(oldest[0]);
        void oldest[1].close(); // Lets what is under way finish.
      }
      const made = makeAgent(reach, connectMilliseconds);
      agents.set(key, made);
      return made;
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

function makeAgent(reach: Reach, timeout: number): Dispatcher {
  const { privateAddresses, certificateAuthority, clientCertificate, proxy } = reach;
  const isOwn = certificateAuthority !== null || clientCertificate !== null;
  const trust = {
    timeout,
    allowH2: false, // So that connections are what bounds how much a host is asked at once.
    rejectUnauthorized: true, // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    ...(isOwn && { secureContext: makeContext(certificateAuthority, clientCertificate) }),
  };
  const common = {
    allowH2: false,
    connections: MOST_CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: 20_000,
    keepAliveMaxTimeout: 60_000,
  };
  if (proxy !== null) {
    const lookup = proxy.privateAddresses ? {} : { lookup: guardedLookup(false, 'proxy') };
    const proxyTls = { timeout, allowH2: false, rejectUnauthorized: true, ...lookup };
    return new ProxyAgent({ ...common, uri: proxy.url, requestTls: trust, proxyTls });
  }
  const connector = buildConnector({
    ...trust,
    lookup: guardedLookup(privateAddresses),
  });
  return new Agent({
    ...common,
    connect(options, callback) {
      connector(options, (...[error, socket]) => {
        if (error !== null) return callback(error, null);
        // The lookup is not asked about addresses in URLs; and this is what we are really connected to.
        const refusal = refusalOf(socket.remoteAddress ?? '', privateAddresses);
        if (refusal === null) return callback(null, socket);
        socket.destroy();
        return callback(refusal, null);
      });
    },
  });
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function makeContext(certificateAuthority: string | null, client: ClientCertificate | null): SecureContext {
  // A context takes any text without a word, and then trusts nobody.
  const certificates = certificateAuthority?.match(CERTIFICATE) ?? [];
  if (certificateAuthority !== null && certificates.length === 0) throw new AuthorityRefused('not a certificate');
  try {
    const own = certificates.map((certificate) => new X509Certificate(certificate).toString());
    const shown = client === null ? {} : { cert: client.certificate, key: client.key };
    const made = createSecureContext(shown);
    // Given as `ca` they would come in the place of the system's; and with those, parsed anew, each context takes a megabyte.
    const { context } = made as { readonly context: { readonly addCACert: (certificate: string) => void } };
    for (const certificate of own) context.addCACert(certificate);
    return made;
  } catch (cause) {
    throw new AuthorityRefused('not a certificate', { cause });
  }
}

/** Looks a name up, and refuses it if any of its addresses is one that may not be asked: what is checked is what is used. */
function guardedLookup(privateAddresses: boolean, of: 'host' | 'proxy' = 'host'): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const refusal = addresses
        .map(({ address }) => refusalOf(address, privateAddresses))
        .find((refused) => refused !== null);
      const [first] = addresses;
      if (refusal !== undefined || first === undefined) {
        return callback(of === 'proxy' ? new AddressRefused('proxy') : (refusal ?? new AddressRefused('private')), []);
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

function refusalOf(address: string, privateAddresses: boolean): AddressRefused | null {
  const kind = classifyAddress(address);
  if (kind === 'forbidden') return new AddressRefused('forbidden');
  return kind === 'private' && !privateAddresses ? new AddressRefused('private') : null;
}
