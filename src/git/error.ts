/** Where it happened. */
interface Facts {
  /** The repository as messages show it: without user and password. */
  readonly repository: string;
  /** What the sentence is about: a branch, a path, what git or the remote said. Already fit to be shown. */
  readonly what: string;
}

type Sentence = (facts: Facts) => string;

/**
 * Every way to fail, with its sentence: what failed, on what, what next. `refused` stays so until somebody changes something,
 * `failed` may pass.
 */
const FAILURES = {
  InvalidUrl: ['refused', ({ repository, what }) => `${repository} is not used as a repository: ${what}`],
  SchemeNotAllowed: [
    'refused',
    ({ repository }) => `${repository} is not used as a repository: write an https:// or ssh:// URL, or USER@HOST:PATH`,
  ],
  PlainHttp: [
    'refused',
    ({ repository }) =>
      `${repository} has no TLS: use https, or set insecure: "true" in the repository's Secret, if that is meant`,
  ],
  InvalidBranch: ['refused', ({ what }) => `${what} is not a name of a branch: correct it`],
  NoSuchBranch: [
    'refused',
    ({ repository, what }) =>
      `${repository} has no branch ${what}: name a branch that is there, tags are not written to`,
  ],
  EmptyRepository: ['refused', ({ repository }) => `${repository} has no commit: push a first one`],
  NoDefaultBranch: ['refused', ({ repository }) => `${repository} says no default branch: name the branch`],
  BadCredential: ['refused', ({ repository, what }) => `the credential for ${repository} cannot be used: ${what}`],
  Unauthorized: [
    'refused',
    ({ repository }) => `${repository} wants other credentials: check those of its Secret, and that they may write`,
  ],
  Forbidden: ['refused', ({ repository }) => `${repository} forbids this: check what its credentials may do`],
  NotFound: ['refused', ({ repository }) => `${repository} is not there, or hidden: check the URL and the credentials`],
  Untrusted: [
    'refused',
    ({ repository }) =>
      `${repository} shows a certificate that is not trusted: add its authority to argocd-tls-certs-cm, it is never ignored`,
  ],
  HostKeyUnknown: [
    'refused',
    ({ repository }) => `the host key of ${repository} is not known: add it to argocd-ssh-known-hosts-cm`,
  ],
  HostKeyChanged: [
    'refused',
    ({ repository }) =>
      `the host key of ${repository} is another one than known: somebody may be in between, or correct argocd-ssh-known-hosts-cm`,
  ],
  Redirected: [
    'refused',
    ({ repository }) => `${repository} redirects elsewhere, which is not followed: write the URL that it leads to`,
  ],
  FileRefused: ['refused', ({ repository, what }) => `nothing is written to ${repository}: ${what}`],
  BadIdentity: ['refused', ({ what }) => `${what} cannot stand in a commit: correct the author`],
  BadMessage: ['refused', ({ what }) => `the commit's message ${what}: correct the template`],
  SigningFailed: ['refused', ({ what }) => `the commit was not signed, and not made: ${what}`],
  PushDeclined: ['refused', ({ repository, what }) => `${repository} declined the push: ${what}`],
  NoGit: ['refused', ({ what }) => `${what} is not there, or can not be run: install it`],
  TooLarge: [
    'refused',
    ({ repository }) => `${repository} is larger than what is fetched: raise the bound, or split it`,
  ],
  Unreachable: ['failed', ({ repository }) => `${repository} cannot be reached, or broke off: try again later`],
  TimedOut: ['failed', ({ repository }) => `${repository} did not answer in time: try again later`],
  Outrun: [
    'failed',
    ({ repository, what }) => `others pushed to ${what} of ${repository} each time first: try again later`,
  ],
  Busy: ['failed', ({ repository }) => `another process works on the mirror of ${repository}: try again later`],
  GitFailed: ['failed', ({ repository, what }) => `git failed on ${repository}: ${what}`],
} as const satisfies Record<string, readonly ['refused' | 'failed', Sentence]>;

/** The name of a way to fail. */
export type GitReason = keyof typeof FAILURES;

/** Nobody reads more of what a remote says. */
const LONGEST_SAYING = 200;

/** Why nothing came of what git was to do. The message holds no secret, and of the remote's own words one cleaned line. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly reason: GitReason;
  /** `refused` stays so until somebody changes something, `failed` may pass. */
  readonly kind: 'refused' | 'failed';

  constructor(reason: GitReason, facts: Partial<Facts>, options?: ErrorOptions) {
    const [kind, sentence] = FAILURES[reason];
    super(
      sentence({ repository: facts.repository ?? 'the repository', what: facts.what ?? 'no reason given' }),
      options,
    );
    this.reason = reason;
    this.kind = kind;
  }
}

/** In this order: what stands further up says more. Of git, its curl (OpenSSL or GnuTLS) and OpenSSH, in English. */
const SAYINGS: readonly (readonly [RegExp, GitReason])[] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i, 'HostKeyChanged'],
  [/Host key verification failed|No .* host key is known/i, 'HostKeyUnknown'],
  [/Load key .*: |error in libcrypto|invalid format|incorrect passphrase/i, 'BadCredential'],
  [/Permission denied \(|Authentication failed|could not read (?:Username|Password)|error: 401/i, 'Unauthorized'],
  [/alert (?:bad certificate|certificate (?:required|unknown))/i, 'Unauthorized'],
  [/certificate|SSL: no alternative|SSL peer|self.signed/i, 'Untrusted'],
  [/error: 403|denied to|not allowed to (?:push|upload)|not granted/i, 'Forbidden'],
  [/error: 30\d|redirect/i, 'Redirected'],
  [/not found|error: 404|does not appear to be a git repository|does not exist/i, 'NotFound'],
  [
    /error: (?:429|5\d\d)|could not resolve|failed to connect|connect to (?:host|server)|couldn't connect|connection (?:refused|reset|closed|timed out)|operation too slow|timed? ?out|early EOF|hung up|unexpected disconnect|TLS connection|gnutls|broken pipe|network is unreachable|no route to host|empty reply|RPC failed/i,
    'Unreachable',
  ],
];

/** Reads what git wrote to its error output. */
export function explainGit(
  stderr: string,
  facts: { readonly repository: string; readonly secrets: readonly string[] },
): GitError {
  const reason = SAYINGS.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'GitFailed';
  const what =
    reason === 'BadCredential'
      ? 'the private key is not one, or wants a passphrase'
      : tellingLine(stderr, facts.secrets);
  return new GitError(reason, { repository: facts.repository, what });
}

/** The one line that says most, fit to be shown. */
function tellingLine(stderr: string, secrets: readonly string[]): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const telling = lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  return presentable(telling, secrets);
}

/** What somebody else wrote, fit to be shown: one line, not long, without what we know to be secret. */
export function presentable(text: string, secrets: readonly string[]): string {
  const hidden = secrets
    .filter((secret) => secret !== '')
    .reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  const line = hidden.replaceAll(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > LONGEST_SAYING ? `${line.slice(0, LONGEST_SAYING)}…` : line;
}
