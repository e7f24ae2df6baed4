import { type Fields, parseFields, readTokenFile, requestToken, tokenIn } from './exchange.ts';

/** An access token of Google, and for how long from now it is good; or a sentence without secrets. */
export type FederatedToken =
  | { readonly ok: true; readonly token: string; readonly lifeMilliseconds: number }
  | { readonly ok: false; readonly problem: string };

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_SERVICE = "Google's token service";
const IMPERSONATION = "Google's impersonation of the service account";

/**
 * Changes a token of another issuer, such as a cluster's, for one of Google: workload identity federation
 * (https://google.aip.dev/auth/4117, RFC 8693) with a token from a file, and impersonation of a service account where the
 * configuration asks for it. Other sources of the token (`url`, `executable`, AWS) are refused.
 *
 * @param path of a credential configuration of the type `external_account`.
 */
export async function signInFederated(path: string, signal: AbortSignal): Promise<FederatedToken> {
  const configuration = parseFields((await readTokenFile(path)) ?? '');
  if (configuration === null) return bad('the file in GOOGLE_APPLICATION_CREDENTIALS can not be read');
  if (configuration['type'] !== 'external_account') {
    return bad(
      'GOOGLE_APPLICATION_CREDENTIALS names no external_account: put a key into a pull secret, under _json_key',
    );
  }
  const subjectToken = await readSubjectToken(fieldsIn(configuration, 'credential_source'));
  if (!subjectToken.ok) return subjectToken;

  const answer = await requestToken({
    name: TOKEN_SERVICE,
    url: textIn(configuration, 'token_url'),
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: textIn(configuration, 'audience'),
      scope: SCOPE,
      subject_token: subjectToken.token,
      subject_token_type: textIn(configuration, 'subject_token_type'),
    },
    signal,
  });
  if (!answer.ok) return answer;
  const token = tokenIn(answer.fields, 'access_token');
  const seconds = Number(answer.fields['expires_in']);
  if (token === null || !(seconds > 0)) return bad(`${TOKEN_SERVICE} gave no token`);
  const url = textIn(configuration, 'service_account_impersonation_url');
  return url === '' ? { ok: true, token, lifeMilliseconds: seconds * 1000 } : await impersonate(url, token, signal);
}

async function impersonate(url: string, token: string, signal: AbortSignal): Promise<FederatedToken> {
  const answer = await requestToken({
    name: IMPERSONATION,
    url,
    headers: { authorization: `Bearer ${token}` },
    json: { scope: [SCOPE], lifetime: '3600s' },
    signal,
  });
  if (!answer.ok) return answer;
  const accessToken = tokenIn(answer.fields, 'accessToken');
  const end = Date.parse(textIn(answer.fields, 'expireTime'));
  if (accessToken === null || Number.isNaN(end)) return bad(`${IMPERSONATION} gave no token`);
  return { ok: true, token: accessToken, lifeMilliseconds: Math.max(end - Date.now(), 0) };
}

type SubjectToken = { readonly ok: true; readonly token: string } | { readonly ok: false; readonly problem: string };

async function readSubjectToken(source: Fields): Promise<SubjectToken> {
  const file = textIn(source, 'file');
  if (file === '') return bad('the credential_source is not a file, and others are not supported');
  const text = (await readTokenFile(file)) ?? '';
  const format = fieldsIn(source, 'format');
  const isJson = textIn(format, 'type') === 'json';
  const token = isJson ? textIn(parseFields(text) ?? {}, textIn(format, 'subject_token_field_name')) : text;
  return token === '' ? bad('the file of the credential_source holds no token') : { ok: true, token };
}

function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

function fieldsIn(fields: Fields, name: string): Fields {
  const value = fields[name];
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
