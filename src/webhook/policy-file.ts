import { readFile } from 'node:fs/promises';
import { parsePolicyFile } from '../core/policy/manifest.ts';
import type { Policy, PolicyError } from '../core/policy/schema.ts';
import { reloadOnChange } from '../platform/reload.ts';

/** What became of a policy file that has changed. */
export interface PolicyNews {
  readonly accepted: (policy: Policy) => void;
  /** The last good policy stays. No errors, but a reason, where the file could not be read. */
  readonly refused: (errors: readonly PolicyError[], reason: string | null) => void;
}

/**
 * Follows a policy file: what is written there holds half a second later, if it is valid.
 *
 * @param known what the file held when it was read.
 * @returns ends that.
 */
export function watchPolicyFile(path: string, known: string | null, { accepted, refused }: PolicyNews): () => void {
  let last = known;
  return reloadOnChange([path], async () => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      last = null;
      return refused([], (error as NodeJS.ErrnoException).code ?? String(error));
    }
    if (text === last) return;
    last = text;
    const parsed = parsePolicyFile(text);
    if (parsed.ok) accepted(parsed.policy);
    else refused(parsed.errors, null);
  });
}
