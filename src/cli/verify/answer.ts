import { type ImageReference, pinnedText } from '../../core/image/reference.ts';
import type { ResolutionFailureCode } from '../../core/image/resolution.ts';
import type { FoundSignature, Verdict, Verification, VerifyEntry } from '../../core/signature/verification.ts';
import { type CommandIO, type ExitCode, printable, writeLine } from '../output.ts';

/** What came of one image, and how the command ends for it. */
export type Answer = { readonly code: ExitCode; readonly image: string } & (
  | { readonly kind: 'unanswered'; readonly error: { readonly code: string; readonly message: string } }
  | { readonly kind: 'answered'; readonly reference: ImageReference; readonly verification: Verification }
);

/** The JSON form of one answer. */
export function answerJson(answer: Answer) {
  const { image } = answer;
  switch (answer.kind) {
    case 'unanswered':
      return { image, digest: null, verified: false, error: answer.error, entries: [], signatures: [] };
    case 'answered': {
      const { verification, reference, code } = answer;
      return {
        image,
        digest: reference.digest,
        verified: code === 0,
        entries: verification.verdicts.map(({ entry, verdict }) => ({
          name: entry.name,
          action: entry.action,
          ...verdictFields(entry, verdict),
        })),
        signatures: verification.signatures,
      };
    }
  }
}

function verdictFields(entry: VerifyEntry, verdict: Verdict) {
  switch (verdict.kind) {
    case 'verified':
      return { verdict: verdict.kind, signer: verdict.signer };
    case 'unverified':
      return { verdict: verdict.kind, reason: verdict.reason };
    case 'failed':
      return { verdict: verdict.kind, error: { code: verdict.code, message: messageOf(entry, verdict) } };
  }
}

function messageOf(
  { trustRoot }: VerifyEntry,
  { message }: { readonly code: ResolutionFailureCode; readonly message: string },
) {
  const isElsewhere = typeof trustRoot === 'object' && 'configMap' in trustRoot;
  return isElsewhere && message.includes('trust root') ? `${message}: give --trust-root FILE` : message;
}

/** Writes one answer for people: to stdout what was found, to stderr why nothing could be. */
export function printAnswer(io: CommandIO, answer: Answer): void {
  if (answer.kind === 'unanswered') {
    const { code, message } = answer.error;
    writeLine(io.stderr, `tagpin verify: ${JSON.stringify(answer.image)}: ${code}: ${printable(message)}`);
    return;
  }
  const { verdicts, signatures } = answer.verification;
  const say = (text: string): void => writeLine(io.stdout, printable(text));
  const { reference, code } = answer;
  const pinned = reference.digest === null ? answer.image : pinnedText(reference, reference.digest, 'digest');
  say(`${pinned}: ${code === 0 ? 'verified' : 'NOT VERIFIED'}`);
  for (const { entry, verdict } of verdicts) say(`  ${entry.name} (${entry.action}): ${verdictText(entry, verdict)}`);
  for (const signature of signatures) {
    say(`  ${headingOf(signature)}`);
    for (const { name, ok, reason } of signature.checks) {
      say(`    ${ok ? 'ok      ' : 'FAILED  '}${name}${reason === null ? '' : `: ${reason}`}`);
    }
  }
}

function verdictText(entry: VerifyEntry, verdict: Verdict): string {
  switch (verdict.kind) {
    case 'verified':
      return `verified: ${verdict.signer}`;
    case 'unverified':
      return `not verified: ${verdict.reason}`;
    case 'failed':
      return `could not be tried: ${verdict.code}: ${messageOf(entry, verdict)}`;
  }
}

function headingOf({ format, place, signer, entry }: FoundSignature): string {
  return `${format} signature ${place} by ${signer}${entry === '' ? '' : `, for ${entry}`}`;
}
