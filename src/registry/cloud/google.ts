import { readTokenFile, requestToken, tokenIn } from './exchange.ts';
import { signInFederated } from './google-federation.ts';
import type { CloudIdentity, Environment, SignIn } from './identity.ts';

/** Where this process's identity in Google Cloud comes from. */
export interface GoogleOptions {
  readonly environment: Environment;
  /** What the firmware says whose machine this is: `/sys/class/dmi/id/product_name`. */
  readonly productNameFile?: string;
}

const HOST = /^(?:(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+\.pkg\.dev)$/;
const USERNAME = 'oauth2accesstoken';
const METADATA_HOST = 'metadata.google.internal';
const METADATA_SERVER = "Google's metadata server";
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
/** A host with an optional port, as `GCE_METADATA_HOST` has it. */
const AUTHORITY = /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]+)?$/i;
const LONGEST_LIFE = 3600_000;

/**
 * Google's identities without keys: federation where `GOOGLE_APPLICATION_CREDENTIALS` names an `external_account`, else the
 * metadata server of GKE's workload identity or of the machine
 * (https://cloud.google.com/artifact-registry/docs/docker/authentication#token). That one is asked only where
 * `GCE_METADATA_HOST` names it, `METADATA_SERVER_DETECTION` says `assume-present`, or the firmware is Google's.
 */
export function createGoogleIdentity(options: GoogleOptions): CloudIdentity {
  const { environment, productNameFile = '/sys/class/dmi/id/product_name' } = options;
  const {
    GOOGLE_APPLICATION_CREDENTIALS: credentialsFile,
    GCE_METADATA_HOST: metadataHost,
    METADATA_SERVER_DETECTION: detection,
  } = environment;

  async function hasMetadataServer(): Promise<boolean> {
    if (detection === 'none') return false;
    if (metadataHost || detection === 'assume-present') return true;
    return /^google\b/i.test((await readTokenFile(productNameFile)) ?? '');
  }

  async function askMetadataServer(signal: AbortSignal): Promise<SignIn> {
    const host = metadataHost || METADATA_HOST;
    if (!AUTHORITY.test(host)) return { ok: false, problem: 'GCE_METADATA_HOST is not a host' };
    const answer = await requestToken({
      name: METADATA_SERVER,
      url: `http://${host}${METADATA_PATH}`,
      headers: { 'metadata-flavor': 'Google' },
      signal,
    });
    if (!answer.ok) return answer;
    // Whoever else answers at that address, such as a proxy, does not know this header.
    if (answer.header('metadata-flavor') !== 'Google') {
      return { ok: false, problem: `what answered is not ${METADATA_SERVER}` };
    }
    const token = tokenIn(answer.fields, 'access_token');
    const seconds = Number(answer.fields['expires_in']);
    if (token === null || !(seconds > 0)) return { ok: false, problem: `${METADATA_SERVER} gave no token` };
    return signedIn(token, seconds * 1000);
  }

  return {
    name: 'google',
    // One access token opens all registries that the identity may read.
    keyOf: (host) => (HOST.test(host) ? 'google' : null),
    isPresent: async () => Boolean(credentialsFile) || (await hasMetadataServer()),
    async signIn(_host, signal) {
      if (!credentialsFile) return await askMetadataServer(signal);
      const federated = await signInFederated(credentialsFile, signal);
      return federated.ok ? signedIn(federated.token, federated.lifeMilliseconds) : federated;
    },
  };
}

function signedIn(token: string, life: number): SignIn {
  const credential = { kind: 'basic', username: USERNAME, password: token } as const;
  return { ok: true, credential, lifeMilliseconds: Math.min(life, LONGEST_LIFE) };
}
