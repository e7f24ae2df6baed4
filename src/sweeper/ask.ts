import type { Credential, Keychain } from '../core/image/credentials.ts';
import type { Digest } from '../core/image/digest.ts';
import type { Platform } from '../core/image/platform.ts';
import type { ImageReference } from '../core/image/reference.ts';
import type { Resolution } from '../core/image/resolution.ts';
import type { Verification, VerifyEntry } from '../core/signature/verification.ts';
import {
  type LookupFailure,
  questionKey,
  type SweepAnswer,
  type SweepAnswers,
  type SweepQuestion,
} from '../core/sweep/choice/questions.ts';
import type { RegistryAccess } from '../core/target/connection.ts';

/** What registries are asked with. */
interface RegistryQuestion {
  readonly reference: ImageReference;
  readonly keychain: Keychain;
  /** What the target says of how it is asked; null where that is nothing. */
  readonly access: RegistryAccess | null;
  readonly signal: AbortSignal;
}

/** What is needed to ask registries. None of these rejects but for programming errors. */
export interface AskNeeds {
  /** What a reference means, asked of the registry now. */
  readonly resolve: (question: RegistryQuestion & { readonly maxAgeMilliseconds: 0 }) => Promise<Resolution>;
  readonly listTags: (
    question: RegistryQuestion,
  ) => Promise<{ readonly kind: 'listed'; readonly tags: readonly string[] } | LookupFailure>;
  readonly inspect: (
    question: RegistryQuestion & { readonly platforms: readonly Platform[] },
  ) => Promise<
    | { readonly kind: 'inspected'; readonly digest: Digest; readonly built: number | null; readonly fits: boolean }
    | LookupFailure
  >;
  /** What the entries say of who signed a digest. */
  readonly verify: (question: RegistryQuestion & { readonly entries: readonly VerifyEntry[] }) => Promise<Verification>;
  /** The credentials that a target names, and those of the policy. */
  readonly credentials: (access: RegistryAccess | null, reference: ImageReference) => Promise<readonly Credential[]>;
}

const AT_ONCE = 16;
/** Lists of many pages take their time; nobody waits for a sweep. */
const QUESTION_MILLISECONDS = 60_000;

/**
 * Asks until there is nothing to ask any more: each question once, however many want to know it.
 *
 * @param open what is still to be asked with these answers; called again after each round.
 */
export async function askAll(
  needs: AskNeeds,
  open: (answers: SweepAnswers) => readonly SweepQuestion[],
  signal: AbortSignal,
): Promise<SweepAnswers> {
  const answers = new Map<string, SweepAnswer>();
  for (;;) {
    const distinct = new Map(open(answers).map((question) => [questionKey(question), question]));
    const waiting = [...distinct].filter(([key]) => !answers.has(key));
    if (waiting.length === 0) return answers;
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined && !signal.aborted; next = waiting.pop()) {
        const [key, question] = next;
        answers.set(key, await askOne(needs, question, signal));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    signal.throwIfAborted();
  }
}

async function askOne(needs: AskNeeds, question: SweepQuestion, signal: AbortSignal): Promise<SweepAnswer> {
  const { reference, secret: access } = question;
  const asked: RegistryQuestion = {
    reference,
    keychain: (wanted) => needs.credentials(access, wanted),
    access,
    signal: AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MILLISECONDS)]),
  };
  switch (question.kind) {
    case 'digest': {
      const answer = await needs.resolve({ ...asked, maxAgeMilliseconds: 0 });
      if (answer.kind === 'resolved') return { kind: 'digest', digest: answer.digest };
      return { kind: 'failed', code: answer.code, message: answer.message };
    }
    case 'tags': {
      const answer = await needs.listTags(asked);
      return answer.kind === 'listed' ? { kind: 'tags', tags: answer.tags } : answer;
    }
    case 'inspect':
      return await needs.inspect({ ...asked, platforms: question.platforms });
    case 'verify':
      return { kind: 'verification', verification: await needs.verify({ ...asked, entries: question.entries }) };
  }
}
