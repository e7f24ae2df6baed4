import type { AppToken } from '../credentials.ts';
import { GitError, type GitReason } from '../error.ts';
import { type HostAccess, openHost } from './access.ts';
import type { SendHosting } from './api.ts';
import { HostingError, type HostingReason } from './error.ts';
import type { Host, HostedRequest } from './host.ts';
import { type Marker, pullRequestText, readMarker, supersededBody } from './text.ts';

/** A pull request to be there. */
export interface PullRequestRequest extends HostAccess {
  /** The branch that was pushed, of tagpin's own. */
  readonly branch: string;
  readonly base: string;
  /** The commit's message, without trailers: its first line is the title, the rest the body. */
  readonly message: string;
  readonly labels: readonly string[];
  /** Names what is updated. Of one target only the newest pull request stays open. */
  readonly target: string;
}

export type PullRequestOutcome =
  | {
      readonly kind: 'opened' | 'updated' | 'unchanged';
      readonly number: number;
      readonly url: string;
      /** Older ones of the same target that were closed for it. Their branches stay. */
      readonly closed: readonly number[];
      /** What could not be done beside it, a sentence each. */
      readonly problems: readonly string[];
    }
  /** Somebody has closed this very proposal: it is not opened again until there is another. */
  | { readonly kind: 'declined'; readonly number: number; readonly url: string }
  /** `refused` stays so until somebody changes something, `failed` may pass. */
  | { readonly kind: 'refused' | 'failed'; readonly reason: HostingReason | GitReason; readonly message: string };

/** Sees to it that a pull request is there. Rejects with `signal.reason` only. */
export type ProposeChange = (request: PullRequestRequest) => Promise<PullRequestOutcome>;

/** Pull requests that are closed at once; more are left to the next. */
const MOST_CLOSED = 20;

/**
 * Makes what opens pull requests. One that is open for the branch is kept, and gets a new text only where tagpin has a new one to
 * say; one that people opened is never touched. What tagpin opened is known by a marker at the end of its body, and by being of the
 * repository itself.
 */
export function createPullRequests(options: {
  readonly send: SendHosting;
  readonly appToken: AppToken | null;
}): ProposeChange {
  return async (request) => {
    try {
      return await propose(await openHost(request, options), request);
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof HostingError || error instanceof GitError) {
        return { kind: error.kind, reason: error.reason, message: error.message };
      }
      throw error;
    }
  };
}

async function propose(host: Host, request: PullRequestRequest): Promise<PullRequestOutcome> {
  const { branch, base, message, target } = request;
  const text = pullRequestText(message, target);
  const keep = async (open: HostedRequest): Promise<PullRequestOutcome> => {
    const marker = readMarker(open.body);
    const isOld = marker !== null && marker.text !== text.marker.text;
    if (isOld) await host.update(open.number, text);
    return await finish(host, request, open, isOld ? 'updated' : 'unchanged', text.marker);
  };
  const known = await requestsOf(host, branch, base);
  const open = known.find(({ state }) => state === 'open');
  if (open !== undefined) return await keep(open);
  const [last] = known;
  if (last?.state === 'closed' && isSame(readMarker(last.body), text.marker)) {
    return { kind: 'declined', number: last.number, url: last.url };
  }
  try {
    const made = await host.create({ branch, base, title: text.title, body: text.body });
    return await finish(host, request, made, 'opened', text.marker);
  } catch (error) {
    if (!(error instanceof HostingError) || error.reason !== 'Invalid') throw error;
    // Hosts have but one for two branches: somebody may have been first.
    const first = (await requestsOf(host, branch, base)).find(({ state }) => state === 'open');
    if (first === undefined) throw error;
    return await keep(first);
  }
}

async function requestsOf(host: Host, branch: string, base: string): Promise<readonly HostedRequest[]> {
  return (await host.ofBranch(branch, base)).filter(({ isOfRepository }) => isOfRepository);
}

/** One that tagpin closed itself was declined by nobody. */
function isSame(marker: Marker | null, { target, text }: Marker): boolean {
  return marker !== null && !marker.isSuperseded && marker.target === target && marker.text === text;
}

async function finish(
  host: Host,
  { labels, signal }: PullRequestRequest,
  { number, url, labels: has }: HostedRequest,
  kind: 'opened' | 'updated' | 'unchanged',
  { target }: Marker,
): Promise<PullRequestOutcome> {
  const problems: string[] = [];
  const closed: number[] = [];
  const attempt = async (what: () => Promise<void>): Promise<void> => {
    try {
      await what();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HostingError)) throw error;
      problems.push(error.message);
    }
  };
  // Labels that people took off stay off.
  const missing = kind === 'opened' ? labels.filter((label) => !has.includes(label)) : [];
  if (missing.length > 0) await attempt(() => host.label(number, missing));
  if (kind !== 'unchanged') {
    await attempt(async () => {
      const older = (await host.open()).filter(
        (one) => one.isOfRepository && one.number !== number && readMarker(one.body)?.target === target,
      );
      for (const one of older.slice(0, MOST_CLOSED)) {
        await host.close(one.number, supersededBody(one.body, host.refer(number)));
        closed.push(one.number);
      }
    });
  }
  return { kind, number, url, closed, problems };
}
