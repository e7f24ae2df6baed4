import type { Policy } from '../../core/policy/schema.ts';
import type { TargetPlan, WriteResult } from '../../core/sweep/plan.ts';
import type { ApplicationTarget } from '../../core/target/application.ts';
import { normalizeRepositoryUrl } from '../../core/target/repository/repository-url.ts';
import type { PullRequestSettings, WriteBack } from '../../core/target/settings.ts';
import { commitMessage, parseMessageTemplate } from '../../core/write-back/commit-text.ts';
import type { CommitContext, CommitTargets } from '../applications.ts';
import { changesOf, type Piece, piecesOf, type RefusedPiece } from './commit-pieces.ts';
import type { ReadRepositoryFile } from './edit-files.ts';
import { type CommitSoFar, editPiece, type PieceEdit } from './edit-piece.ts';

/** A repository that an Application wants to be committed to. */
export interface WantedRepository {
  readonly application: ApplicationTarget;
  readonly url: string;
  readonly credentials: Extract<WriteBack, { kind: 'git' }>['credentials'];
}

/** How a repository is reached, or why it is not for this Application. */
export type GrantedAccess<Access> =
  | {
      readonly kind: 'granted';
      readonly access: Access;
      /** Equal for the same repository by the same credentials, and for nothing else: who is granted equal ones shares a commit. */
      readonly sharing: string;
    }
  | Refusal;

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

/** Pieces that are one commit: of one repository and branch, by equal credentials. */
interface Group<Access> {
  readonly access: Access;
  readonly pieces: Piece[];
}

type Take = (piece: Piece, result: WriteResult) => void;

/** A cycle may be about hundreds of repositories, and each is a git that runs. */
const REPOSITORIES_AT_ONCE = 8;

/**
 * Makes the writer of method `git`: one commit for each repository and branch, whatever number of Applications it is about. What is
 * refused to one of them holds up no other.
 */
export function createCommitTargets<Access>(needs: CommitNeeds<Access>): CommitTargets {
  return async (plans, context) => {
    const results = new Map<string, WriteResult>();
    const refuse = ({ application: { uid } }: TargetPlan, result: WriteResult): void => {
      results.set(uid, worse(results.get(uid), result));
    };
    const take: Take = ({ plan, kind }, result) => {
      if (kind === 'moving') refuse(plan, result);
    };
    const pieces: Piece[] = [];
    for (const plan of plans) {
      for (const piece of piecesOf(plan, 'moving')) {
        if ('message' in piece) refuse(plan, piece);
        else pieces.push(piece);
      }
    }
    const branches = new Set(pieces.flatMap((piece) => branchKey(piece) ?? []));
    const standing = context.standing
      .flatMap((plan) => piecesOf(plan, 'standing'))
      .filter((piece) => !('message' in piece) && branches.has(branchKey(piece) ?? ''));
    const groups = await groupsOf(needs, [...standing, ...pieces] as readonly Piece[], take, context.signal);
    const work = async (): Promise<void> => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        await commitGroup(needs, group, take, context);
      }
    };
    await Promise.all(Array.from({ length: REPOSITORIES_AT_ONCE }, work));
    return results;
  };
}

/** A branch of tagpin's own, in its repository. */
function branchKey({
  url,
  push,
}: Piece | (RefusedPiece & { readonly url?: undefined; readonly push?: undefined })): string | null {
  return url === undefined || push === null || push === undefined
    ? null
    : JSON.stringify([normalizeRepositoryUrl(url), push]);
}

/** Who may write differs from project to project, so that each is asked about; who may by equal credentials shares the commit. */
async function groupsOf<Access>(
  needs: CommitNeeds<Access>,
  pieces: readonly Piece[],
  take: Take,
  signal: AbortSignal,
): Promise<Group<Access>[]> {
  const groups = new Map<string, Group<Access>>();
  const owners = new Map<string, { readonly key: string; readonly piece: Piece }>();
  for (const piece of pieces) {
    const { plan, url, base, push, writeBack } = piece;
    const { application } = plan;
    const found = await needs.access({ application, url, credentials: writeBack.credentials }, signal);
    if (found.kind !== 'granted') {
      take(piece, resultOf(found));
      continue;
    }
    const key = JSON.stringify([found.sharing, base, push, writeBack.pullRequest]);
    const branch = branchKey(piece);
    const owner = branch === null ? undefined : owners.get(branch);
    if (owner !== undefined && owner.key !== key) {
      const { namespace, name } = owner.piece.plan.application;
      const message = `git-branch: ${push ?? ''} is the branch of ${namespace}/${name} too, from another base or with other credentials: put {{.AppName}} into its name`;
      take(piece, { kind: 'refused', message });
      continue;
    }
    if (branch !== null && owner === undefined) owners.set(branch, { key, piece });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { access: found.access, pieces: [piece] });
    else group.pieces.push(piece);
  }
  return [...groups.values()].filter((group) => group.pieces.some(({ kind }) => kind === 'moving'));
}

async function commitGroup<Access>(
  needs: CommitNeeds<Access>,
  { access, pieces }: Group<Access>,
  take: Take,
  context: CommitContext,
): Promise<void> {
  const { git, signal } = context;
  const [first] = pieces;
  if (first === undefined) return;
  const template = parseMessageTemplate(git.messageTemplate);
  if (!template.ok) {
    for (const piece of pieces)
      take(piece, { kind: 'refused', message: `sweep.git.messageTemplate: ${template.problem}` });
    return;
  }
  let edits = new Map<Piece, PieceEdit>();
  let text = '';
  const { base, push } = first;
  const surroundings = { protects: context.protects, controllerNamespace: needs.controllerNamespace() };
  const outcome = await needs.commit({
    access,
    base,
    push,
    git,
    signal,
    async edit(read, branch) {
      edits = new Map();
      const commit: CommitSoFar = { files: new Map(), said: new Map() };
      for (const piece of pieces) {
        edits.set(piece, await editPiece(piece, { ...commit, ...surroundings, read, branch: push ?? branch }));
      }
      const edited = pieces.filter((piece) => edits.get(piece)?.kind === 'edited');
      const namespaces = edited.map(({ plan }) => plan.application.namespace);
      const changes = edited.flatMap((piece) => {
        const edit = edits.get(piece);
        return changesOf(piece, edit?.kind === 'edited' ? edit.changes : []);
      });
      text = commitMessage(template.render, namespaces, changes);
      return { files: commit.files, message: text };
    },
  });
  const edited = pieces.filter((piece) => edits.get(piece)?.kind === 'edited');
  const proposed = await propose(needs, edited, { access, outcome, message: text }, signal);
  for (const piece of pieces) {
    const edit = edits.get(piece);
    if (edit?.kind === 'refused') take(piece, edit);
    else if (edit?.kind === 'there already' && proposed.kind === 'written') take(piece, { kind: 'unchanged' });
    else take(piece, proposed);
  }
}

async function propose<Access>(
  needs: CommitNeeds<Access>,
  edited: readonly Piece[],
  { access, outcome, message }: { readonly access: Access; readonly outcome: CommitResult; readonly message: string },
  signal: AbortSignal,
): Promise<WriteResult> {
  if ('message' in outcome) return resultOf(outcome);
  const { kind, branch, base } = outcome;
  const result: WriteResult = { kind: kind === 'pushed' ? 'written' : 'unchanged' };
  const [first] = edited;
  const settings = first?.writeBack.pullRequest ?? null;
  // Where the base says it already there is no branch to propose.
  if (first === undefined || settings === null || branch === base) return result;
  const proposed = await needs.propose({ access, settings, branch, base, message, target: first.targetKey, signal });
  return proposed.kind === 'done' ? result : resultOf(proposed);
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
