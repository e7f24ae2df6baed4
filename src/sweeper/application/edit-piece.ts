import type { CommitContext } from '../applications.ts';
import type { Piece } from './commit-pieces.ts';
import { editFiles, type FileValueChange, type ReadRepositoryFile, readOver } from './edit-files.ts';

/** What came of one piece's edit. */
export type PieceEdit =
  | { readonly kind: 'edited' | 'there already'; readonly changes: readonly FileValueChange[] }
  | { readonly kind: 'refused'; readonly message: string };

/** What the edits of a commit have come to so far. */
export interface CommitSoFar {
  readonly files: Map<string, string>;
  /** By path and place, who has put what there. */
  readonly said: Map<string, { readonly to: string | null; readonly by: string }>;
}

/** Makes one Application's edit among those of the commit; throws what `read` throws. */
export async function editPiece(
  { plan, writeBack, committed, writes, url }: Piece,
  commit: Pick<CommitContext, 'protects'> &
    CommitSoFar & {
      /** Of the head that the commit goes on. */
      readonly read: ReadRepositoryFile;
      readonly branch: string;
      /** Where Argo CD is. */
      readonly controllerNamespace: string;
    },
): Promise<PieceEdit> {
  const { application } = plan;
  const { files, said } = commit;
  const edited = await editFiles(readOver(commit.read, files), {
    target: writeBack.target,
    application: {
      sourcePath: committed.path ?? '',
      applicationName: application.name,
      applicationNamespace: application.namespace,
      controllerNamespace: commit.controllerNamespace,
    },
    values: writes.map(({ proposed }) => proposed),
    own: writes[0]?.located.source.raw ?? {},
  });
  if (!edited.ok) return { kind: 'refused', message: edited.problem };
  for (const { path } of edited.files) {
    const problem = commit.protects(application, { repository: url, branch: commit.branch, path });
    if (problem !== null) return { kind: 'refused', message: `${path}: ${problem}` };
    const other = [...files.keys()].find((each) => each.startsWith(`${path}/`) || path.startsWith(`${each}/`));
    if (other !== undefined) {
      return {
        kind: 'refused',
        message: `${path}: another Application writes ${other}, and one of them would be a folder`,
      };
    }
  }
  const by = `${application.namespace}/${application.name}`;
  for (const { path, place, to } of edited.changes) {
    const other = said.get(`${path}\0${place}`);
    if (other !== undefined && other.to !== to) {
      const message = `${path}: ${other.by} writes ${place}, too, and something else: give each a place of its own`;
      return { kind: 'refused', message };
    }
  }
  for (const { path, place, to } of edited.changes) said.set(`${path}\0${place}`, { to, by });
  for (const { path, after } of edited.files) files.set(path, after);
  return { kind: edited.files.length > 0 ? 'edited' : 'there already', changes: edited.changes };
}
