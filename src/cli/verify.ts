import { Command, Option } from 'commander';
import { byDigest, type ImageReference, parseReference } from '../core/image/reference.ts';
import { entriesFor } from '../core/signature/entries.ts';
import type { Verification, VerifyEntry } from '../core/signature/verification.ts';
import { createLimiter } from '../platform/limiter.ts';
import {
  type OpenResolver,
  openRegistries,
  type RegistryOptions,
  readRegistryPolicy,
  registryOptions,
} from './options/registry-options.ts';
import { type CommandIO, type ExitCode, highest, type OutputFormat, writeJson } from './output.ts';
import { type FinishCommand, imageArgument, outputOption } from './program.ts';
import { withProgress } from './progress.ts';
import { openVerifier } from './signatures.ts';
import { type Answer, answerJson, printAnswer } from './verify/answer.ts';
import { type EntryOptions, readEntries } from './verify/entries.ts';

interface VerifyOptions extends RegistryOptions, EntryOptions {
  readonly output: OutputFormat;
}

type VerifyImage = (reference: ImageReference, entries: readonly VerifyEntry[]) => Promise<Verification>;

/** Each image is a handful of requests, and some milliseconds of cryptography. */
const AT_ONCE = 8;

/** `tagpin verify IMAGE…`: whose signatures images carry, and what of them holds. */
export function verifyCommand(io: CommandIO, finish: FinishCommand): Command {
  return registryOptions(
    new Command('verify')
      .description('whose signatures images carry, and what of each holds')
      .addArgument(imageArgument())
      .addOption(
        new Option(
          '--key <file>',
          "a public key (PEM) that has to have signed, instead of the policy's entries; repeatable",
        )
          .argParser((file: string, before: readonly string[]) => [...before, file])
          .default([]),
      )
      .option('--trust-root <file>', 'a trusted_root.json, instead of what the entries name'),
    'a policy, for its verify entries and its registries',
  )
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The tag is resolved once, and the signatures of that digest are looked for: bundles through the referrers API or its
fallback tag, and legacy ones under sha256-….sig. Every entry of the policy that matches the image has to hold, those that
only warn too; several --key are alternatives, and ask for no transparency log.

Exit code 0: all are verified; 1: one is not; 2: no entry is about an image; 3: it could not be tried.

Example:
  tagpin verify --policy policy.yaml ghcr.io/acme/app:1.2
  tagpin verify --key cosign.pub -o json registry.internal:5000/app@sha256:…`,
    )
    .action((images: string[], options: VerifyOptions) => finish(verify(io, images, options)));
}

async function verify(io: CommandIO, images: readonly string[], options: VerifyOptions): Promise<ExitCode> {
  const policy = await readRegistryPolicy(io, options);
  const entries = await readEntries(io, options, policy.verify);
  const registries = openRegistries(io, policy, options);
  const verifier = openVerifier({
    resolver: registries.resolver,
    readTrustRoot: null,
    flightMilliseconds: options.timeout,
  });
  const verifyImage: VerifyImage = (reference, asked) =>
    verifier.verify({
      reference,
      entries: asked,
      keychain: registries.keychain,
      wanted: 'everything',
      signal: AbortSignal.timeout(options.timeout),
    });
  const turns = createLimiter({
    concurrency: AT_ONCE,
    waiting: Number.POSITIVE_INFINITY,
    perSecond: null,
    now: () => performance.now(),
  });
  const anytime = new AbortController().signal;
  try {
    const answers = await withProgress(io, images, (image) =>
      turns.run(() => answerFor(image, entries, { registries, verifyImage }), anytime),
    );
    for (const answer of answers) {
      if (options.output === 'json') writeJson(io.stdout, answerJson(answer));
      else printAnswer(io, answer);
    }
    return highest(answers.map(({ code }) => code));
  } finally {
    await registries.close();
  }
}

async function answerFor(
  image: string,
  all: readonly VerifyEntry[],
  { registries, verifyImage }: { readonly registries: OpenResolver; readonly verifyImage: VerifyImage },
): Promise<Answer> {
  const unanswered = (code: ExitCode, error: { readonly code: string; readonly message: string }): Answer => {
    return { kind: 'unanswered', code, image, error };
  };
  const parsed = parseReference(image);
  if (!parsed.ok) return unanswered(1, { code: 'InvalidReference', message: parsed.problem });
  const entries = entriesFor(all, parsed.reference);
  if (entries.length === 0) {
    const message = 'no verify entry of the policy is about it: add its name to the images of one, or give --key';
    return unanswered(2, { code: 'NoEntry', message });
  }
  const resolution = await registries.ask(parsed.reference);
  if (resolution.kind === 'failed') {
    const { code, message } = resolution;
    return unanswered(code === 'NotFound' ? 1 : 3, { code, message });
  }
  const reference = byDigest(parsed.reference, resolution.digest);
  const verification = await verifyImage(reference, entries);
  return { kind: 'answered', code: codeOf(verification), image, reference, verification };
}

function codeOf({ verdicts }: Verification): ExitCode {
  if (verdicts.every(({ verdict }) => verdict.kind === 'verified')) return 0;
  return verdicts.some(({ verdict }) => verdict.kind === 'unverified') ? 1 : 3;
}
