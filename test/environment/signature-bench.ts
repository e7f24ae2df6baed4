import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startProcess } from '../support/process.ts';
import { type Cosign, openCosign } from './cosign.ts';
import { startDistribution } from './distribution.ts';
import { PROGRAMS, programFile } from './programs.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

/** An entry of a policy's `verify`; it is about all images of the registry unless it names some. */
export interface EntryWish {
  readonly images?: readonly string[];
  readonly keys?: readonly string[];
  readonly identities?: readonly object[];
  readonly transparencyLog?: 'required' | 'optional';
}

/** What `tagpin verify -o json` prints of one image. */
export interface VerifyAnswer {
  readonly image: string;
  readonly digest: string;
  readonly verified: boolean;
  readonly entries: readonly { readonly name: string; readonly verdict: string; readonly reason?: string }[];
  readonly signatures: readonly {
    readonly format: string;
    readonly signer: string;
    readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly reason: string | null }[];
  }[];
}

/** A registry, a cosign that signs into it, and a tagpin that verifies from it. */
export interface SignatureBench extends Workbench {
  readonly host: string;
  readonly cosign: Cosign;
  /** Pushes an image of its own. @returns `REPOSITORY@DIGEST`. */
  pushSigned(repository: string): Promise<string>;
  /** Verifies images by entries, with a trust root where one is given. @returns the exit code and what was printed. */
  verify(
    images: readonly string[],
    entries: EntryWish | readonly EntryWish[],
    trustRoot?: string,
  ): Promise<{ readonly code: number; readonly answers: readonly VerifyAnswer[] }>;
}

/** The registries: one without the referrers API, whose signers keep an index under a tag instead, and one with it. */
export const REGISTRIES = {
  'without the referrers API': startDistribution,
  'with the referrers API': startReferrersRegistry,
} as const;

/** Opens one for a test. */
export async function openSignatureBench(
  t: TestContext,
  registry: keyof typeof REGISTRIES = 'without the referrers API',
): Promise<SignatureBench> {
  const running = await REGISTRIES[registry]();
  t.after(() => running.stop());
  const { host } = running;
  const bench = openWorkbench(t, { host, hostPolicy: { plainHttp: true } });
  let files = 0;
  const file = (content: string): string => {
    files += 1;
    const path = join(bench.folder, `verify-${files}`);
    writeFileSync(path, content);
    return path;
  };

  return {
    ...bench,
    host,
    cosign: openCosign(t),
    async pushSigned(repository) {
      const image = `${host}/${repository}`;
      return `${image}@${await bench.pushImage(`${image}:1`, repository)}`;
    },
    async verify(images, entries, trustRoot) {
      const policy = file(
        JSON.stringify({
          apiVersion: 'tagpin.dev/v1',
          kind: 'TagPolicy',
          registries: { hosts: [{ host, plainHttp: true }] },
          verify: [entries].flat().map((entry, at) => ({ name: `entry ${at}`, images: [`${host}/**`], ...entry })),
        }),
      );
      const root = trustRoot === undefined ? [] : ['--trust-root', file(trustRoot)];
      const finished = await bench.tagpin(['verify', '--policy', policy, '-o', 'json', ...root, ...images]);
      assert.equal(finished.stderr, '');
      const answers = finished.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as VerifyAnswer);
      return { code: finished.code, answers };
    },
  };
}

/** The names of the checks that did not hold, of every signature that was found. */
export function failedChecks({ signatures }: VerifyAnswer): readonly (readonly string[])[] {
  return signatures.map(({ checks }) => checks.filter(({ ok }) => !ok).map(({ name }) => name));
}

async function startReferrersRegistry() {
  const running = startProcess(programFile(PROGRAMS.referrersRegistry), []);
  const [, host = ''] = await running.waitFor(/listening on (127\.0\.0\.1:\d+)/);
  return { host, stop: () => running.stop() };
}
