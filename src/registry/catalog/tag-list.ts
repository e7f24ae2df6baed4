/** Registries of any size fit; who has more tags than these has no use for all of them. */
export const MOST_TAGS = 50_000;
export const MOST_PAGES = 100;
/** The most that ECR takes; others give fewer and say where the rest is. */
export const PAGE = 1000;

const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Reads a page of tags (distribution-spec, "Listing Tags"). What is no tag by the specification's grammar is left out: it could
 * not be asked for either.
 *
 * @returns null for what is no page.
 */
export function readTagPage(body: Buffer): readonly string[] | null {
  let page: unknown;
  try {
    page = JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof page !== 'object' || page === null || !('tags' in page)) return null;
  // Some say null for a repository whose last tag was deleted.
  const tags = page.tags ?? [];
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string' && TAG.test(tag)) : null;
}

/** Where the next page is: the query of its URL; that there is none; or that it is said to be elsewhere. */
export type NextPage =
  | { readonly kind: 'query'; readonly query: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'elsewhere' };

/**
 * Reads `Link` headers (RFC 8288). The next page has to be the same list at the same registry: credentials follow it.
 *
 * @param current the URL of this page.
 */
export function readNextPage(headers: readonly string[], current: URL): NextPage {
  for (const header of headers) {
    for (const [, target = '', parameters = ''] of header.matchAll(/<([^<>]*)>((?:[^,<"]|"[^"]*")*)/g)) {
      if (!/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=[\s;]|$))/i.test(parameters)) continue;
      const next = URL.parse(target, current.href);
      if (next === null || next.origin !== current.origin || next.pathname !== current.pathname) {
        return { kind: 'elsewhere' };
      }
      return { kind: 'query', query: next.search.slice(1) };
    }
  }
  return { kind: 'none' };
}
