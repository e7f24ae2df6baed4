import { writeBackPath } from '../../core/target/settings/write-back.ts';
import type { WriteBackTarget } from '../../core/target/settings.ts';
import type { ProposedValues } from '../../core/target/value/values.ts';
import type { JsonObject } from '../../core/workload/json.ts';
import { editArgoCdSource } from '../../core/write-back/argocd-source.ts';
import type { EditedText, ValueChange } from '../../core/write-back/edited-text.ts';
import { editHelmValues } from '../../core/write-back/helm-values.ts';
import { editKustomization, KUSTOMIZATION_FILES } from '../../core/write-back/kustomization.ts';

/** What a repository has at a path. */
export type RepositoryFile =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'absent' }
  /** A link, no text, too large: `problem` is a sentence that says so. */
  | { readonly kind: 'refused'; readonly problem: string };

/** Reads a file by its path in the repository: `/` between, none at the start, never with `..`. */
export type ReadRepositoryFile = (path: string) => Promise<RepositoryFile>;

/** What is to be said of one Application in its repository. */
export interface FileEditRequest {
  readonly target: WriteBackTarget;
  readonly application: Parameters<typeof writeBackPath>[1];
  /** Of all its images that go into this target. */
  readonly values: readonly ProposedValues[];
  /** The source in whose lists the values are, as it was read: see `editArgoCdSource`. */
  readonly own: JsonObject;
}

export type FilesEdit =
  /** No files where the repository says it already. */
  | { readonly ok: true; readonly files: readonly FileChange[]; readonly changes: readonly FileValueChange[] }
  | {
      readonly ok: false;
      readonly reason: FileEditRefusal;
      /** Null where not even the path is known. */
      readonly path: string | null;
      /** One sentence, with the path, and line and column where there are such. */
      readonly problem: string;
    };

/** `BadPath`: it leads out of the repository. `NotEditable`: what is there can't be changed safely, or is no such file. */
export type FileEditRefusal = 'BadPath' | 'NoFile' | 'Unreadable' | 'NotEditable';

export interface FileChange {
  readonly path: string;
  /** Null for a new file. */
  readonly before: string | null;
  readonly after: string;
}

/** What a commit message tells. */
export interface FileValueChange extends ValueChange {
  readonly path: string;
}

/**
 * Makes the edit of one Application in what a commit holds; made again on another commit it does what is still to be done there.
 *
 * `.argocd-source-NAME.yaml` and files of Helm values are made where there are none; a kustomization is not.
 */
export async function editFiles(read: ReadRepositoryFile, request: FileEditRequest): Promise<FilesEdit> {
  const placed = writeBackPath(request.target, request.application);
  if (!placed.ok) return { ok: false, reason: 'BadPath', path: null, problem: placed.problem };
  const candidates =
    request.target.kind === 'kustomization'
      ? KUSTOMIZATION_FILES.map((name) => (placed.path === '' ? name : `${placed.path}/${name}`))
      : [placed.path];
  const present: { readonly path: string; readonly text: string }[] = [];
  for (const path of candidates) {
    const file = await read(path);
    if (file.kind === 'refused') return { ok: false, reason: 'Unreadable', path, problem: file.problem };
    if (file.kind === 'file') present.push({ path, text: file.text });
  }
  const [found, second] = present;
  const path = found?.path ?? placed.path;
  if (second !== undefined) {
    const problem = `${path} and ${second.path} are both there, and kustomize takes one: remove one`;
    return { ok: false, reason: 'NotEditable', path, problem };
  }
  if (found === undefined && request.target.kind === 'kustomization') {
    const folder = placed.path === '' ? 'the repository' : placed.path;
    const problem = `there is no kustomization in ${folder}: name its directory in write-back-target`;
    return { ok: false, reason: 'NoFile', path, problem };
  }
  const before = found?.text ?? null;
  const edited = editText(before, request);
  if (!edited.ok) {
    const { line, column, message } = edited.problem;
    return { ok: false, reason: 'NotEditable', path, problem: `${path}:${line}:${column}: ${message}` };
  }
  if (edited.text === (before ?? '')) return { ok: true, files: [], changes: [] };
  return {
    ok: true,
    files: [{ path, before, after: edited.text }],
    changes: edited.changes.map((change) => ({ ...change, path })),
  };
}

/** Reads what edits of the same commit have changed already, and else the repository. */
export function readOver(read: ReadRepositoryFile, changed: ReadonlyMap<string, string>): ReadRepositoryFile {
  return async (path) => {
    const text = changed.get(path);
    return text === undefined ? read(path) : { kind: 'file', text };
  };
}

function editText(text: string | null, { target, values, own }: FileEditRequest): EditedText {
  switch (target.kind) {
    case 'argocd-source':
      return editArgoCdSource(text, values, own);
    case 'helmvalues': {
      const other = values.find(({ kind }) => kind !== 'helm');
      return other === undefined
        ? editHelmValues(
            text,
            values.flatMap((value) => (value.kind === 'helm' ? value.parameters : [])),
          )
        : mismatch(`${NOUNS[other.kind]} can't go into Helm values: change write-back-target`);
    }
    case 'kustomization': {
      const other = values.find(({ kind }) => kind !== 'kustomize');
      return other === undefined
        ? editKustomization(
            text ?? '',
            values.flatMap((value) => (value.kind === 'kustomize' ? [value] : [])),
          )
        : mismatch(`${NOUNS[other.kind]} can't go into a kustomization: change write-back-target`);
    }
  }
}

const NOUNS: Readonly<Record<ProposedValues['kind'], string>> = {
  helm: "Helm's parameters",
  kustomize: "Kustomize's images",
  plugin: "a plugin's variables",
};

function mismatch(message: string): EditedText {
  return { ok: false, problem: { line: 1, column: 1, message } };
}
