import { createHash } from 'node:crypto';
import type { PlannedWrite } from '../../core/sweep/image-plan.ts';
import type { TargetPlan } from '../../core/sweep/plan.ts';
import { valueText } from '../../core/sweep/value.ts';
import { baseBranch } from '../../core/sweep/write-place.ts';
import { normalizeRepositoryUrl } from '../../core/target/repository/repository-url.ts';
import type { WriteBack } from '../../core/target/settings.ts';
import type { ApplicationSource } from '../../core/target/value/source.ts';
import {
  branchName,
  fingerprintText,
  type ImageChange,
  parseBranchTemplate,
} from '../../core/write-back/commit-text.ts';
import type { ValueChange } from '../../core/write-back/edited-text.ts';
import { formerValue } from '../../core/write-back/former-value.ts';

/** What one Application writes to one repository. */
export interface Piece {
  readonly plan: TargetPlan;
  /** `standing` only goes along where others make the branch anew. */
  readonly kind: 'moving' | 'standing';
  readonly writeBack: Extract<WriteBack, { kind: 'git' }>;
  readonly committed: ApplicationSource;
  readonly writes: readonly PlannedWrite[];
  readonly url: string;
  /** Null for the remote's default branch. */
  readonly base: string | null;
  /** A branch of tagpin's own; null to commit to the base. */
  readonly push: string | null;
  /** Names what is updated: of one target the newest pull request stays open. */
  readonly targetKey: string;
}

/** Why an Application, or one of its sources, can't be committed. */
export interface RefusedPiece {
  readonly kind: 'refused';
  readonly message: string;
}

/** Argo CD takes the newest version of a range; most of these letters can't be in a branch. */
const RANGE = /[*^~<>|\s]|^[!=]/;

/** Of pull requests, where no `git-branch` names the branch. */
const OWN_BRANCH = 'tagpin-{{.TargetKey}}-{{.SHA256}}';

/**
 * What an Application writes, repository by repository; or why it can't. To a branch of tagpin's own goes what was written
 * before, too: that branch is made anew, and nobody may have merged it yet.
 */
export function piecesOf(plan: TargetPlan, kind: Piece['kind']): readonly (Piece | RefusedPiece)[] {
  const { writeBack } = plan.application;
  if (writeBack.kind !== 'git') return [{ kind: 'refused', message: 'its write-back-method is not git' }];
  const isOwnBranch = writeBack.branch.push !== null || writeBack.pullRequest !== null;
  const bySource = Map.groupBy(plan.writes, ({ located }) => located.committed.pointer);
  const standing = Map.groupBy(isOwnBranch ? plan.standing : [], ({ located }) => located.committed.pointer);
  const pointers = kind === 'moving' ? bySource.keys() : standing.keys();
  return [...pointers].map((pointer) => {
    const writes = [...(bySource.get(pointer) ?? []), ...(standing.get(pointer) ?? [])];
    const [write] = writes;
    if (write === undefined) throw new Error('a group without members');
    const { committed } = write.located;
    const url = writeBack.repository ?? committed.repoURL;
    if (url === null) return { kind: 'refused', message: 'its source names no repository: write git-repository' };
    const base = baseBranch(writeBack, committed);
    if (writeBack.branch.base === null && base !== null && RANGE.test(base)) {
      const message = `its targetRevision ${JSON.stringify(base.slice(0, 100))} is a range of versions, and only branches are written to: name one in git-branch`;
      return { kind: 'refused', message };
    }
    const { namespace, name } = plan.application;
    // Of two Applications with one path, neither takes the place of the other's pull request.
    const owner = writeBack.pullRequest === null ? [] : [namespace, name];
    const key = [normalizeRepositoryUrl(url), base, writeBack.target, committed.path, ...owner];
    const targetKey = sumOf(JSON.stringify(key)).slice(0, 8);
    const piece = { plan, kind, writeBack, committed, writes, url, base, targetKey, push: null };
    const named = pushBranch(piece);
    return typeof named === 'object' && named !== null ? named : { ...piece, push: named };
  });
}

/** The branch that is pushed to; null for the base. */
function pushBranch(piece: Piece): string | null | RefusedPiece {
  const { plan, writeBack, targetKey } = piece;
  const text = writeBack.branch.push ?? (writeBack.pullRequest === null ? null : OWN_BRANCH);
  if (text === null) return null;
  const template = parseBranchTemplate(text);
  if (!template.ok) return { kind: 'refused', message: `git-branch: ${template.problem}` };
  const { name, namespace } = plan.application;
  const changes = changesOf(piece);
  return branchName(template.render, {
    applicationName: name,
    applicationNamespace: namespace,
    changes,
    targetKey,
    sha256: sumOf(fingerprintText(changes)),
  });
}

/**
 * What the message of its commit tells of a piece.
 *
 * @param edited what became of the files, which say best what was there before; nothing where that is not known yet.
 */
export function changesOf(
  { plan, writes }: Pick<Piece, 'plan' | 'writes'>,
  edited: readonly ValueChange[] = [],
): readonly ImageChange[] {
  return writes.map(({ tracked, located, value, proposed }) => ({
    application: plan.application.name,
    alias: tracked.key,
    image: tracked.image.repository.name,
    from: valueText(formerValue(proposed, edited) ?? located.current),
    to: valueText(value),
  }));
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
