import type { CloudIdentity, Environment, SignIn } from './identity.ts';

/** Where this process's identity at AWS comes from. */
export interface AmazonOptions {
  readonly environment: Environment;
}

/** The names of a private registry, in all partitions (as in AWS's own amazon-ecr-credential-helper). */
const HOST =
  /^[0-9]{12}\.dkr\.ecr(?<fips>-fips)?\.(?<region>[a-z0-9][a-z0-9-]*)\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;
/** The same with IPv6. */
const DUAL_STACK_HOST =
  /^[0-9]{12}\.dkr-ecr(?<fips>-fips)?\.(?<region>[a-z0-9][a-z0-9-]*)\.on\.(?:aws|amazonwebservices\.com\.cn)$/;

/** Sets of variables, each of which shows an identity: IRSA, Pod Identity, ECS, and keys for a session. */
const SIGNS: readonly (readonly string[])[] = [
  ['AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
  ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
];
const REQUEST_TIMEOUT = 5000;
const CONNECT_TIMEOUT = 2000;
const ATTEMPTS = 2;
/** Tokens last for twelve hours; an end that is missing is taken to be near. */
const DEFAULT_LIFE = 3600_000;
const LONGEST_LIFE = 12 * 3600_000;
const PASSWORD = /^[\x21-\x7e]+$/;

/**
 * AWS's workload identities for private registries of ECR, through AWS's own client and its chain of credentials
 * (https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html), which reads the process's environment
 * itself. It is loaded when an image first needs it. An instance's own role is not used: any Pod of a node would have it.
 * `public.ecr.aws` is asked anonymously.
 */
export function createAmazonIdentity({ environment }: AmazonOptions): CloudIdentity {
  return {
    name: 'amazon',
    // A token opens all registries of a region that the identity may read, whatever the account.
    keyOf: (host) => (parseHost(host) === null ? null : host.slice(13)),
    isPresent: async () => SIGNS.some((names) => names.every((name) => Boolean(environment[name]))),
    async signIn(host, signal) {
      const place = parseHost(host);
      return place === null ? { ok: false, problem: 'this is not a registry of ECR' } : await askRegion(place, signal);
    },
  };
}

interface Place {
  readonly region: string;
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
}

function parseHost(host: string): Place | null {
  const dualStack = DUAL_STACK_HOST.exec(host)?.groups;
  const groups = dualStack ?? HOST.exec(host)?.groups;
  const region = groups?.['region'];
  if (region === undefined) return null;
  return { region, useFipsEndpoint: groups?.['fips'] !== undefined, useDualstackEndpoint: dualStack !== undefined };
}

async function askRegion(
  { region, useFipsEndpoint, useDualstackEndpoint }: Place,
  signal: AbortSignal,
): Promise<SignIn> {
  const sdk = await import('@aws-sdk/client-ecr').catch(() => null);
  if (sdk === null) return { ok: false, problem: 'the package @aws-sdk/client-ecr is not installed' };
  const client = new sdk.ECRClient({
    region,
    // Where they are absent the environment decides, as for all AWS's tools.
    ...(useFipsEndpoint ? { useFipsEndpoint } : {}),
    ...(useDualstackEndpoint ? { useDualstackEndpoint } : {}),
    maxAttempts: ATTEMPTS,
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT,
      connectionTimeout: CONNECT_TIMEOUT,
      throwOnRequestTimeout: true,
    },
  });
  try {
    const answer = await client.send(new sdk.GetAuthorizationTokenCommand({}), { abortSignal: signal });
    const [data] = answer.authorizationData ?? [];
    const [, username = '', password = ''] =
      /^([^:]+):(.+)$/.exec(Buffer.from(data?.authorizationToken ?? '', 'base64').toString('utf8')) ?? [];
    if (!PASSWORD.test(password)) return { ok: false, problem: 'ECR gave no token' };
    const life = data?.expiresAt === undefined ? DEFAULT_LIFE : data.expiresAt.getTime() - Date.now();
    const lifeMilliseconds = Math.min(Math.max(life, 0), LONGEST_LIFE);
    return { ok: true, credential: { kind: 'basic', username, password }, lifeMilliseconds };
  } catch (error) {
    return { ok: false, problem: `AWS gave no token (${nameOf(error)})` };
  } finally {
    client.destroy();
  }
}

/** AWS names its errors; their messages may hold what was sent. */
function nameOf(error: unknown): string {
  return error instanceof Error && /^[A-Za-z]{1,64}$/.test(error.name) ? error.name : 'Error';
}
