import { createHash, createPrivateKey, createSign } from 'node:crypto';
import { createCache } from '../platform/cache.ts';
import { withSignal } from '../platform/deadline.ts';
import { type AppToken, type GitHubApp, type GitTrust, NO_TRUST } from './credentials.ts';
import { GitError } from './error.ts';

/** Asks an API over https. Redirects are answers like others. It rejects where there is no answer. */
export type SendApi = (request: {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Whom to believe that it is the API. */
  readonly trust: GitTrust;
  readonly signal: AbortSignal;
}) => Promise<{ readonly status: number; readonly body: Uint8Array }>;

const GITHUB = 'https://api.github.com';
/** Tokens last an hour; this much of it is used. */
const LIFE = 50 * 60_000;
const MOST_TOKENS = 1000;
const ASK_MILLISECONDS = 20_000;
/** GitHub allows ten minutes, and its clock may be behind ours. */
const JWT_SECONDS = 540;
const CLOCK_SKEW_SECONDS = 60;

/**
 * Makes the source of tokens that act for an installed app, each for one repository only
 * (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app). They are kept for most of their hour.
 *
 * It rejects with GitError.
 *
 * @param now milliseconds since 1970.
 */
export function createAppTokens(options: { readonly send: SendApi; readonly now: () => number }): AppToken {
  const { send, now } = options;
  const tokens = createCache<{ readonly token: string }>({ maximumEntries: MOST_TOKENS, lifeMilliseconds: LIFE, now });

  async function ask(app: GitHubApp, repository: URL, trust: GitTrust): Promise<{ readonly token: string }> {
    const shown = repository.href;
    const [owner, name] = ownerAndName(repository);
    const api = apiOf(app, shown);
    const jwt = createJwt(app, Math.floor(now() / 1000), shown);
    const call = async (
      method: 'GET' | 'POST',
      path: string,
      body: object | null,
    ): Promise<Record<string, unknown>> => {
      const answer = await send({
        method,
        url: new URL(`${api}${path}`),
        headers: {
          authorization: `Bearer ${jwt}`,
          accept: 'application/vnd.github+json',
          'user-agent': 'tagpin',
          ...(body !== null && { 'content-type': 'application/json' }),
        },
        body: body === null ? null : JSON.stringify(body),
        trust,
        signal: AbortSignal.timeout(ASK_MILLISECONDS),
      }).catch((cause: unknown) => {
        throw new GitError('Unreachable', { repository: api }, { cause });
      });
      return readAnswer(answer, api, shown);
    };
    const installation = app.installationId ?? (await call('GET', `/repos/${owner}/${name}/installation`, null))['id'];
    if (!/^\d{1,20}$/.test(String(installation))) throw bad(shown, 'its installation has no number');
    const scope = { repositories: [decodeURIComponent(name)] };
    const { token } = await call('POST', `/app/installations/${String(installation)}/access_tokens`, scope);
    if (typeof token !== 'string' || token === '') throw bad(shown, 'GitHub answered without a token');
    return { token };
  }

  return async (app, repository, signal, trust = NO_TRUST) => {
    const key = createHash('sha256')
      .update(JSON.stringify([app, repository.href, trust]))
      .digest('hex');
    const known = tokens.get(key);
    if (known !== undefined) return known.token;
    const load = tokens.share(key, Number.NEGATIVE_INFINITY, () => ask(app, repository, trust));
    const { token } = await (signal === null ? load.result : withSignal(load.result, signal));
    tokens.set(key, { token });
    return token;
  };
}

function bad(repository: string, what: string): GitError {
  return new GitError('BadCredential', { repository, what });
}

function ownerAndName(repository: URL): readonly [string, string] {
  const [, owner, name, ...rest] = repository.pathname
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/');
  if (owner === undefined || name === undefined || owner === '' || name === '' || rest.length > 0) {
    throw bad(repository.href, 'a GitHub App wants a URL of https://HOST/OWNER/NAME');
  }
  return [owner, name];
}

function apiOf({ apiUrl }: GitHubApp, repository: string): string {
  const url = URL.parse(apiUrl ?? GITHUB);
  if (url?.protocol !== 'https:' || url.username !== '' || url.search !== '') {
    throw bad(repository, 'githubAppEnterpriseBaseUrl is no https URL');
  }
  return url.href.replace(/\/+$/, '');
}

/** RFC 7519, signed with RS256. */
function createJwt(app: GitHubApp, seconds: number, repository: string): string {
  const claims = { iat: seconds - CLOCK_SKEW_SECONDS, exp: seconds + JWT_SECONDS, iss: app.appId };
  const parts = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  try {
    const key = createPrivateKey(app.privateKey);
    if (key.asymmetricKeyType !== 'rsa') throw new Error('not RSA');
    const signature = createSign('RSA-SHA256').update(parts.join('.')).sign(key, 'base64url');
    return [...parts, signature].join('.');
  } catch {
    // The cause may quote the key.
    throw bad(repository, 'the private key of the GitHub App is not an RSA key in PEM');
  }
}

function readAnswer(
  { status, body }: { readonly status: number; readonly body: Uint8Array },
  api: string,
  repository: string,
): Record<string, unknown> {
  if (status === 429 || status >= 500) throw new GitError('Unreachable', { repository: api });
  if (status === 401) throw bad(repository, `${api} does not know the GitHub App: check its id and private key`);
  if (status === 404) throw bad(repository, `${api} has no such installation of the GitHub App: install it there`);
  if (status === 422) throw bad(repository, `the GitHub App is not installed for this repository: add it there`);
  if (status === 403) throw new GitError('Forbidden', { repository });
  try {
    const answer: unknown = JSON.parse(Buffer.from(body).toString());
    if (status < 300 && typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>;
  } catch {}
  throw bad(repository, `${api} answers with what is not understood`);
}
