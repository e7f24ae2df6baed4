import { askedPairs, askedReferences, type ObservedSlot, type RowFacts } from '../../core/audit/row.ts';
import { canonicalText } from '../../core/image/reference.ts';
import type { Resolution } from '../../core/image/resolution.ts';
import type { OpenResolver } from '../options/registry-options.ts';
import type { CommandIO } from '../output.ts';
import { withProgress } from '../progress.ts';

/** What registries say of the images of a namespace. */
export type RegistryFacts = (slots: readonly ObservedSlot[]) => Promise<Pick<RowFacts, 'now' | 'lists'>>;

/** Asks no registry. */
export function askNothing(): RegistryFacts {
  return async () => ({ now: () => null, lists: () => null });
}

/** Asks about each reference once, however many namespaces have it: one run shows one moment. */
export function askRegistries(io: CommandIO, registries: OpenResolver): RegistryFacts {
  const now = new Map<string, Resolution>();
  const lists = new Map<string, boolean | null>();
  return async (slots) => {
    const references = askedReferences(slots).filter((reference) => !now.has(canonicalText(reference)));
    await withProgress(io, references, async (reference) => {
      now.set(canonicalText(reference), await registries.ask(reference));
    });
    const pairs = askedPairs(slots).filter(([index, manifest]) => !lists.has(`${canonicalText(index)} ${manifest}`));
    await withProgress(io, pairs, async ([index, manifest]) => {
      lists.set(`${canonicalText(index)} ${manifest}`, await registries.lists(index, manifest));
    });
    return {
      now: (reference) => now.get(canonicalText(reference)) ?? null,
      lists: (index, manifest) => lists.get(`${canonicalText(index)} ${manifest}`) ?? null,
    };
  };
}
