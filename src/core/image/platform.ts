/** An operating system and a processor, as an image index lists them: `linux/arm/v7`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** The processor's variant; null where none is meant. */
  readonly variant: string | null;
}

export type ParsedPlatform =
  | { readonly ok: true; readonly platform: Platform }
  | { readonly ok: false; readonly problem: string };

const PART = /^[a-z0-9_.-]{1,32}$/;

/** What people write, and what the OCI image specification calls it (after containerd's `platforms`). */
const ARCHITECTURES: ReadonlyMap<string, { architecture: string; variant: string | null }> = new Map([
  ['x86_64', { architecture: 'amd64', variant: null }],
  ['x86-64', { architecture: 'amd64', variant: null }],
  ['i386', { architecture: '386', variant: null }],
  ['aarch64', { architecture: 'arm64', variant: null }],
  ['armhf', { architecture: 'arm', variant: 'v7' }],
  ['armel', { architecture: 'arm', variant: 'v6' }],
]);

/** The variant that is meant where none is written. */
const DEFAULT_VARIANT: ReadonlyMap<string, string> = new Map([
  ['arm', 'v7'],
  ['arm64', 'v8'],
  ['amd64', 'v1'],
]);

/**
 * Reads `OS/ARCH[/VARIANT]`, as `docker pull --platform` and `tagpin resolve --platform` take it.
 *
 * @returns the platform in the specification's words, or what is wrong with the text.
 */
export function parsePlatform(text: string): ParsedPlatform {
  const [os, architecture, variant, ...rest] = text.toLowerCase().split('/');
  if (os === undefined || architecture === undefined || rest.length > 0) {
    return { ok: false, problem: 'a platform is OS/ARCH or OS/ARCH/VARIANT, for example linux/arm64' };
  }
  if (![os, architecture, ...(variant === undefined ? [] : [variant])].every((part) => PART.test(part))) {
    return { ok: false, problem: 'the parts of a platform are words such as linux, amd64 and v7' };
  }
  return { ok: true, platform: spelled(os, architecture, variant ?? null) };
}

/**
 * Which of an index's entries runs on a platform: the same operating system and processor and the highest variant that it
 * can still run, as containerd chooses. Of equals the first.
 *
 * @returns the entry, or null where none fits.
 */
export function choosePlatform<Entry extends { readonly platform: Platform | null }>(
  entries: readonly Entry[],
  wanted: Platform,
): Entry | null {
  let best: Entry | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const distance = entry.platform === null ? null : distanceBetween(wanted, entry.platform);
    if (distance !== null && distance < bestDistance) {
      best = entry;
      bestDistance = distance;
    }
  }
  return best;
}

/** How many variants the offered platform is below the wanted one; null where it does not run there. */
function distanceBetween(wanted: Platform, offered: Platform): number | null {
  const [want, offer] = [wanted, offered].map(({ os, architecture, variant }) => spelled(os, architecture, variant));
  if (want === undefined || offer === undefined) return null;
  if (want.os !== offer.os || want.architecture !== offer.architecture) return null;
  const [wantLevel, offerLevel] = [level(want), level(offer)];
  if (wantLevel === null || offerLevel === null) return want.variant === offer.variant ? 0 : null;
  return offerLevel <= wantLevel ? wantLevel - offerLevel : null;
}

/** The number of a variant such as v7, the default's where there is none; null where it is no such number. */
function level(platform: Platform): number | null {
  const digits = /^v?([0-9])$/.exec(platform.variant ?? DEFAULT_VARIANT.get(platform.architecture) ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

function spelled(os: string, architecture: string, variant: string | null): Platform {
  const known = ARCHITECTURES.get(architecture);
  return {
    os: os === 'macos' ? 'darwin' : os,
    architecture: known?.architecture ?? architecture,
    variant: variant ?? known?.variant ?? null,
  };
}
