/** A document that says where it begins, after comments: `---`, or a directive. */
const BEGINS = /^\uFEFF?(?:[ \t]*(?:#.*)?\r?\n)*(?<mark>---(?=\s|$)|%)/;

/**
 * Puts the texts of several files behind each other, so that they are one stream of YAML documents. One file alone stays as it is.
 */
export function joinTexts(texts: readonly string[]): string {
  const [only, second] = texts;
  if (second === undefined) return only ?? '';
  return texts
    .filter((text) => text.trim() !== '')
    .map((text, index) => {
      const mark = BEGINS.exec(text)?.groups?.['mark'];
      // JSON first would make kubectl take the whole stream for JSON.
      const before = mark === '---' || (mark === '%' && index === 0) ? '' : mark === '%' ? '...\n' : '---\n';
      return `${before}${text.replace(/^\uFEFF/, '')}${text.endsWith('\n') ? '' : '\n'}`;
    })
    .join('');
}
