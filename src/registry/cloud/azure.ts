import { parseFields, readTokenFile, requestToken, tokenIn } from './exchange.ts';
import type { CloudIdentity, Environment, SignIn } from './identity.ts';

/** Where this process's identity in Azure comes from. */
export interface AzureOptions {
  readonly environment: Environment;
  /** Where a registry changes Entra's tokens for its own: `https://HOST`. */
  readonly registryUrl?: (host: string) => string;
}

const HOST = /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]\.azurecr\.(?<cloud>io|cn|us)$/;
/** Tokens that registries take and little else does; the sovereign clouds' registries take their resource manager's. */
const SCOPES: Readonly<Record<string, string>> = {
  io: 'https://containerregistry.azure.net/.default',
  cn: 'https://management.chinacloudapi.cn/.default',
  us: 'https://management.usgovcloudapi.net/.default',
};
const DEFAULT_AUTHORITY = 'https://login.microsoftonline.com/';
/** A registry's refresh token lasts for three hours; where its end can't be read it is used for one. */
const LONGEST_LIFE = 3 * 3600_000;
const DEFAULT_LIFE = 3600_000;
/** What stands in a path: a GUID or a domain. */
const TENANT = /^[A-Za-z0-9.-]{1,253}$/;

/**
 * Azure's workload identity (https://azure.github.io/azure-workload-identity): the service account's token is changed for
 * one of Entra, and that for a refresh token of the registry
 * (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md). The variables are those that its webhook sets.
 */
export function createAzureIdentity({ environment, registryUrl }: AzureOptions): CloudIdentity {
  const {
    AZURE_CLIENT_ID: client,
    AZURE_TENANT_ID: tenant,
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    AZURE_AUTHORITY_HOST: authority,
  } = environment;

  async function signIn(host: string, signal: AbortSignal): Promise<SignIn> {
    const scope = SCOPES[HOST.exec(host)?.groups?.['cloud'] ?? ''];
    if (!client || !tenant || !tokenFile || scope === undefined) return { ok: false, problem: 'there is no identity' };
    if (!TENANT.test(tenant)) return { ok: false, problem: 'AZURE_TENANT_ID is not a tenant' };
    const assertion = await readTokenFile(tokenFile);
    if (assertion === null) return { ok: false, problem: 'the file in AZURE_FEDERATED_TOKEN_FILE holds no token' };

    const base = (authority || DEFAULT_AUTHORITY).replace(/\/*$/, '/');
    const entra = await requestToken({
      name: 'Entra',
      url: `${base}${tenant}/oauth2/v2.0/token`,
      form: {
        grant_type: 'client_credentials',
        client_id: client,
        scope,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      },
      signal,
    });
    if (!entra.ok) return entra;
    const accessToken = tokenIn(entra.fields, 'access_token');
    if (accessToken === null) return { ok: false, problem: 'Entra gave no token' };

    const exchange = await requestToken({
      name: 'the token exchange of the registry',
      url: `${registryUrl?.(host) ?? `https://${host}`}/oauth2/exchange`,
      form: { grant_type: 'access_token', service: host, tenant, access_token: accessToken },
      signal,
    });
    if (!exchange.ok) return exchange;
    const token = tokenIn(exchange.fields, 'refresh_token');
    if (token === null) return { ok: false, problem: 'the registry gave no token' };
    return { ok: true, credential: { kind: 'identity', token }, lifeMilliseconds: lifeOf(token) };
  }

  return {
    name: 'azure',
    keyOf: (host) => (HOST.test(host) ? host : null),
    isPresent: async () => Boolean(client && tenant && tokenFile),
    signIn,
  };
}

/** How long a JSON Web Token lasts from now. Who made it is the registry's to check. */
function lifeOf(token: string): number {
  const claims = parseFields(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const end = claims?.['exp'];
  if (typeof end !== 'number') return DEFAULT_LIFE;
  return Math.min(Math.max(end * 1000 - Date.now(), 0), LONGEST_LIFE);
}
