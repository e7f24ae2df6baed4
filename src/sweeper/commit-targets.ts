import { createHash } from 'node:crypto';
import type { Policy } from '../core/policy/schema.ts';
import type { PlannedWrite } from '../core/sweep/image-plan.ts';
import type { TargetPlan, WriteResult } from '../core/sweep/plan.ts';
import { valueText } from '../core/sweep/value.ts';
import type { ApplicationTarget } from '../core/target/application.ts';
import { normalizeRepositoryUrl } from '../core/target/repository-url.ts';
import type { PullRequestSettings, WriteBack } from '../core/target/settings.ts';
import type { ApplicationSource } from '../core/target/source.ts';
import {
  branchName,
  commitMessage,
  fingerprintText,
  type ImageChange,
  parseBranchTemplate,
  parseMessageTemplate,
} from '../core/write-back/commit-text.ts';
import type { CommitContext, CommitTargets } from './cycle.ts';
import { editFiles, type ReadRepositoryFile, readOver } from './edit-files.ts';

/** A repository that an Application wants to be committed to. */
export interface WantedRepository {
  readonly application: ApplicationTarget;
  readonly url: string;
  readonly credentials: Extract<WriteBack, { kind: 'git' }>['credentials'];
}

/** How a repository is reached, or why it is not for this Application. */
export type GrantedAccess<Access> = { readonly kind: 'granted'; readonly access: Access } | Refusal;

/** A commit to be made: `edit` is called again on each new head. */
export interface WantedCommit<Access> {
  readonly access: Access;
  /** Null for the remote's default branch. */
  readonly base: string | null;
  /** A branch of tagpin's own; null to commit to the base. */
  readonly push: string | null;
  readonly edit: (
    read: ReadRepositoryFile,
    branch: string,
  ) => Promise<{ readonly files: ReadonlyMap<string, string>; readonly message: string }>;
  readonly git: Policy['sweep']['git'];
  readonly signal: AbortSignal;
}

export type CommitResult =
  | { readonly kind: 'pushed' | 'unchanged'; readonly branch: string; readonly base: string }
  | Refusal;

interface Refusal {
  readonly kind: 'refused' | 'failed';
  readonly message: string;
}

/** A pull request for a branch that was pushed. */
export interface WantedPullRequest<Access> {
  readonly access: Access;
  readonly settings: PullRequestSettings;
  readonly branch: string;
  readonly base: string;
  readonly message: string;
  /** Names what is updated: of one target the newest stays open. */
  readonly target: string;
  readonly signal: AbortSignal;
}

/** What commits need from outside. All but `signal.reason` is told by the results. */
export interface CommitNeeds<Access> {
  readonly access: (wanted: WantedRepository, signal: AbortSignal) => Promise<GrantedAccess<Access>>;
  readonly commit: (wanted: WantedCommit<Access>) => Promise<CommitResult>;
  readonly propose: (wanted: WantedPullRequest<Access>) => Promise<{ readonly kind: 'done' } | Refusal>;
  /** Where Argo CD is. */
  readonly controllerNamespace: () => string;
}

/** What one Application writes to one repository. */
interface Piece {
  readonly plan: TargetPlan;
  readonly writeBack: Extract<WriteBack, { kind: 'git' }>;
  readonly committed: ApplicationSource;
  readonly writes: readonly PlannedWrite[];
  readonly url: string;
  readonly base: string | null;
  readonly push: string | null;
  readonly targetKey: string;
}

/**
 * Makes the writer of method `git`: one commit for each repository and branch, whatever number of Applications it is about. What is
 * refused to one of them holds up no other.
 */
export function createCommitTargets<Access>(needs: CommitNeeds<Access>): CommitTargets {
  return async (plans, context) => {
    const results = new Map<string, WriteResult>();
    const take = (piece: Piece, result: WriteResult): void => {
      const { uid } = piece.plan.application;
      results.set(uid, worse(results.get(uid), result));
    };
    const groups = new Map<string, Piece[]>();
    for (const plan of plans) {
      for (const piece of piecesOf(plan)) {
        if ('message' in piece) {
          results.set(plan.application.uid, piece);
          continue;
        }
        const { url, base, push, writeBack } = piece;
        const key = JSON.stringify([
          normalizeRepositoryUrl(url),
          base,
          push,
          writeBack.credentials,
          writeBack.pullRequest,
        ]);
        groups.set(key, [...(groups.get(key) ?? []), piece]);
      }
    }
    await Promise.all([...groups.values()].map((pieces) => commitGroup(needs, pieces, take, context)));
    return results;
  };
}

/** Who may write differs from project to project, so that each is asked about; who may, shares the commit. */
async function commitGroup<Access>(
  needs: CommitNeeds<Access>,
  pieces: readonly Piece[],
  take: (piece: Piece, result: WriteResult) => void,
  context: CommitContext,
): Promise<void> {
  const { git, signal } = context;
  const granted: Piece[] = [];
  let access: { readonly value: Access } | null = null;
  for (const piece of pieces) {
    const { application } = piece.plan;
    const found = await needs.access({ application, url: piece.url, credentials: piece.writeBack.credentials }, signal);
    if (found.kind === 'granted') {
      granted.push(piece);
      access ??= { value: found.access };
    } else take(piece, resultOf(found));
  }
  const [first] = granted;
  if (first === undefined || access === null) return;

  const template = parseMessageTemplate(git.messageTemplate);
  if (!template.ok) {
    for (const piece of granted)
      take(piece, { kind: 'refused', message: `sweep.git.messageTemplate: ${template.problem}` });
    return;
  }
  let refused = new Map<Piece, string>();
  let text = '';
  const { base, push } = first;
  const outcome = await needs.commit({
    access: access.value,
    base,
    push,
    git,
    signal,
    async edit(read, branch) {
      refused = new Map();
      const files = new Map<string, string>();
      const changes: ImageChange[] = [];
      for (const piece of granted) {
        const edited = await editPiece(needs, piece, { ...context, read, branch: push ?? branch, files });
        if (edited.kind === 'edited') changes.push(...changesOf(piece));
        if (edited.kind === 'refused') refused.set(piece, edited.message);
      }
      const namespaces = granted.map(({ plan }) => plan.application.namespace);
      text = commitMessage(template.render, namespaces, changes);
      return { files, message: text };
    },
  });
  const proposed = await propose(needs, first, { access: access.value, outcome, message: text }, signal);
  for (const piece of granted) {
    const problem = refused.get(piece);
    take(piece, problem === undefined ? proposed : { kind: 'refused', message: problem });
  }
}

/** Makes one Application's edit among those of the commit. */
async function editPiece<Access>(
  needs: CommitNeeds<Access>,
  { plan, writeBack, committed, writes, url }: Piece,
  commit: Pick<CommitContext, 'protects'> & {
    readonly read: ReadRepositoryFile;
    readonly branch: string;
    readonly files: Map<string, string>;
  },
): Promise<{ readonly kind: 'edited' | 'there already' } | { readonly kind: 'refused'; readonly message: string }> {
  const { application } = plan;
  const { files } = commit;
  const edited = await editFiles(readOver(commit.read, files), {
    target: writeBack.target,
    application: {
      sourcePath: committed.path ?? '',
      applicationName: application.name,
      applicationNamespace: application.namespace,
      controllerNamespace: needs.controllerNamespace(),
    },
    values: writes.map(({ proposed }) => proposed),
    own: writes[0]?.located.source.raw ?? {},
  });
  if (!edited.ok) return { kind: 'refused', message: edited.problem };
  for (const { path } of edited.files) {
    const problem = commit.protects(application, { repository: url, branch: commit.branch, path });
    if (problem !== null) return { kind: 'refused', message: `${path}: ${problem}` };
  }
  for (const { path, after } of edited.files) files.set(path, after);
  return { kind: edited.files.length > 0 ? 'edited' : 'there already' };
}

async function propose<Access>(
  needs: CommitNeeds<Access>,
  { writeBack, targetKey, push }: Piece,
  { access, outcome, message }: { readonly access: Access; readonly outcome: CommitResult; readonly message: string },
  signal: AbortSignal,
): Promise<WriteResult> {
  if ('message' in outcome) return resultOf(outcome);
  const { kind, branch, base } = outcome;
  const result: WriteResult = { kind: kind === 'pushed' ? 'written' : 'unchanged' };
  const settings = writeBack.pullRequest;
  // Where the base says it already there is no branch to propose.
  if (settings === null || push === null || branch === base) return result;
  const proposed = await needs.propose({ access, settings, branch, base, message, target: targetKey, signal });
  return proposed.kind === 'done' ? result : resultOf(proposed);
}

/** What an Application writes, repository by repository; or why it can't. */
function piecesOf(plan: TargetPlan): readonly (Piece | Extract<WriteResult, { kind: 'refused' }>)[] {
  const { writeBack } = plan.application;
  if (writeBack.kind !== 'git') return [{ kind: 'refused', message: 'its write-back-method is not git' }];
  const bySource = Map.groupBy(plan.writes, ({ located }) => located.committed.pointer);
  return [...bySource.values()].map((writes) => {
    const [write] = writes;
    if (write === undefined) throw new Error('a group without members');
    const { committed } = write.located;
    const url = writeBack.repository ?? committed.repoURL;
    if (url === null) return { kind: 'refused', message: 'its source names no repository: write git-repository' };
    const base = writeBack.branch.base ?? branchOf(committed.targetRevision);
    const targetKey = sumOf(
      JSON.stringify([normalizeRepositoryUrl(url), base, writeBack.target, committed.path]),
    ).slice(0, 8);
    const piece = { plan, writeBack, committed, writes, url, base, targetKey, push: null };
    const named = pushBranch(piece);
    return typeof named === 'object' && named !== null ? named : { ...piece, push: named };
  });
}

/** The branch that is pushed to; null for the base. */
function pushBranch(piece: Piece): string | null | Extract<WriteResult, { kind: 'refused' }> {
  const { plan, writeBack, targetKey } = piece;
  const text = writeBack.branch.push ?? (writeBack.pullRequest === null ? null : OWN_BRANCH);
  if (text === null) return null;
  const template = parseBranchTemplate(text);
  if (!template.ok) return { kind: 'refused', message: `git-branch: ${template.problem}` };
  const { name, namespace } = plan.application;
  const changes = changesOf(piece);
  const sha256 = sumOf(fingerprintText(changes));
  return branchName(template.render, {
    applicationName: name,
    applicationNamespace: namespace,
    changes,
    targetKey,
    sha256,
  });
}

const OWN_BRANCH = 'tagpin-{{.TargetKey}}-{{.SHA256}}';

function changesOf({ plan, writes }: Piece): readonly ImageChange[] {
  return writes.map(({ tracked, located, value }) => ({
    application: plan.application.name,
    alias: tracked.key,
    image: tracked.image.repository.name,
    from: valueText(located.current),
    to: valueText(value),
  }));
}

function branchOf(revision: string | null): string | null {
  return revision === null || revision === '' || revision === 'HEAD' ? null : revision;
}

function resultOf({ kind, message }: Refusal): WriteResult {
  return kind === 'refused' ? { kind, message } : { kind, reason: 'WriteFailed', message };
}

const WEIGHT: Readonly<Record<WriteResult['kind'], number>> = {
  unchanged: 0,
  written: 1,
  waiting: 2,
  refused: 3,
  failed: 4,
};

/** Of what came of an Application's repositories, what has to be told. */
function worse(one: WriteResult | undefined, other: WriteResult): WriteResult {
  return one !== undefined && WEIGHT[one.kind] >= WEIGHT[other.kind] ? one : other;
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
