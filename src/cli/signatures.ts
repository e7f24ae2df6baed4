import type { Resolver } from '../registry/resolver.ts';
import type { SignatureVerifier, VerifierOptions } from '../signature/verifier.ts';

/** What verifying is made of. */
export interface SignaturesOptions {
  readonly resolver: Pick<Resolver, 'listReferrers' | 'readArtifact' | 'readBlob'>;
  /** The text under a key of a ConfigMap with a trust root; it rejects where there is none. Null where no cluster is asked. */
  readonly readTrustRoot: VerifierOptions['readTrustRoot'];
  /** How long all requests for one answer may take; as the verifier has it otherwise. */
  readonly flightMilliseconds?: number;
}

/** Makes the verifier that asks through a resolver. What checks signatures is loaded with the first question. */
export function openVerifier({ resolver, ...options }: SignaturesOptions): SignatureVerifier {
  let made: Promise<SignatureVerifier> | null = null;
  const make = async (): Promise<SignatureVerifier> => {
    const { createVerifier } = await import('../signature/verifier.ts');
    return createVerifier({ ...options, sources: resolver, now: () => performance.now() });
  };
  return {
    async verify(question) {
      made ??= make();
      return await (await made).verify(question);
    },
  };
}
