import { readFile } from 'node:fs/promises';
import { parsePolicyFile } from '../../core/policy/manifest.ts';
import type { Policy, PolicyError } from '../../core/policy/schema.ts';
import { reloadOnChange } from '../../platform/process/reload.ts';

/** What became of a policy file that has changed. */
export interface PolicyNews {
  readonly accepted: (policy: Policy) => void;
  /** The last good policy stays. No errors, but a reason, where the file could not be read. */
  readonly refused: (errors: readonly PolicyError[], reason: string | null) => void;
}

/**
 * Follows a policy file: what is there holds at once, and what is written there half a second later, if it is valid.
 *
 * @returns ends that.
 */
export function watchPolicyFile(path: string, { accepted, refused }: PolicyNews): () => void {
  let last: string | null = null;
  let lastReason: string | null = null;
  return reloadOnChange([path], async () => {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      const reason = code === 'ENOENT' ? 'there is no such file' : `the file can not be read (${code})`;
      if (reason !== lastReason) refused([], reason);
      last = null;
      lastReason = reason;
      return 'again';
    }
    lastReason = null;
    if (text === last) return 'done';
    last = text;
    const parsed = parsePolicyFile(text);
    if (parsed.ok) accepted(parsed.policy);
    else refused(parsed.errors, null);
    return 'done';
  });
}
