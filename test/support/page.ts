import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROGRAMS, type Program, programFile } from '../environment/programs.ts';
import { type FinishedProcess, runProcess } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMPILED = join(ROOT, 'node_modules/.cache/tagpin');

/** A fenced block of a page. */
export interface PageBlock {
  readonly language: string;
  readonly text: string;
  /** The file that it shows: `before/shop.yaml`, from its first comment; null where it names none. */
  readonly file: string | null;
}

/** A page of `deploy/` whose blocks a test applies and runs. */
export interface Page {
  readonly text: string;
  readonly blocks: readonly PageBlock[];
  /** The text of a file that the page shows. */
  file(name: string): string;
  /** The only block of shell commands below a heading, or of another language. */
  under(heading: string, language?: string): string;
  /**
   * Writes the files that it shows.
   *
   * @param replace what stands in the place of what: hosts, as a rule.
   * @param instead another text of a file; null for the one that the page shows.
   */
  write(
    folder: string,
    replace?: Readonly<Record<string, string>>,
    instead?: (file: string, text: string) => string | null,
  ): void;
}

/** Reads a page by its name in `deploy/`. */
export function readPage(name: string): Page {
  const text = readFileSync(join(ROOT, 'deploy', name), 'utf8');
  const blocks = blocksOf(text);
  return {
    text,
    blocks,
    file: (wanted) => blocks.find(({ file }) => file === wanted)?.text ?? assert.fail(`${name} shows no ${wanted}`),
    under(heading, language = 'sh') {
      const section = text.split(/^(?=#+ )/m).find((each) => each.startsWith(`${heading}\n`));
      const found = blocksOf(section ?? assert.fail(`${name} has no ${heading}`));
      const [block, second] = found.filter((each) => each.language === language && each.file === null);
      assert.equal(second, undefined, `${heading} has more than one block of ${language}`);
      return block?.text ?? assert.fail(`${heading} has no block of ${language}`);
    },
    write(folder, replace = {}, instead = () => null) {
      for (const { file, text: shown } of blocks) {
        if (file === null) continue;
        const path = join(folder, file);
        mkdirSync(dirname(path), { recursive: true });
        const written = instead(file, shown) ?? replaced(shown, replace);
        writeFileSync(path, written, { mode: file.endsWith('.sh') ? 0o755 : 0o644 });
      }
    },
  };
}

/** What stands on a page, with other hosts. */
export function replaced(text: string, replace: Readonly<Record<string, string>>): string {
  return Object.entries(replace).reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

/** Checks what every page promises its readers: that it is short, and that its links lead somewhere. */
export function assertWellKept({ text }: Page): void {
  assert.ok(text.split('\n').length <= 181, 'a page has 180 lines at most');
  for (const [, path = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
    assert.ok(existsSync(join(ROOT, 'deploy', path)), path);
  }
}

/** A folder with the programs that pages call: kubectl with its plugin, and tagpin. */
export interface PageShell {
  readonly folder: string;
  /** Runs commands by bash, which ends at the first that fails. */
  run(script: string): Promise<FinishedProcess>;
  /** The same, and they have to succeed. @returns what they printed. */
  output(script: string): Promise<string>;
}

/**
 * Makes the folder of a shell.
 *
 * @param environment beyond PATH, HOME and a place for temporary files: `KUBECONFIG`, as a rule.
 */
export function openPageShell(folder: string, environment: Readonly<Record<string, string>>): PageShell {
  const bin = join(folder, 'bin');
  for (const each of [bin, join(folder, 'tmp')]) mkdirSync(each, { recursive: true });
  const kubectl: Program = PROGRAMS.kubectl;
  symlinkSync(programFile(kubectl), join(bin, kubectl.name));
  for (const name of ['tagpin', 'kubectl-tagpin']) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'src/main.ts')}' "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const run = (script: string): Promise<FinishedProcess> =>
    runProcess('bash', ['-e', '-o', 'pipefail', '-c', script], {
      directory: folder,
      timeout: 3 * 60_000,
      environment: {
        PATH: [bin, dirname(process.execPath), process.env['PATH']].join(':'),
        HOME: folder,
        TMPDIR: join(folder, 'tmp'),
        NODE_COMPILE_CACHE: COMPILED,
        ...environment,
      },
    });
  return {
    folder,
    run,
    async output(script) {
      const { code, stdout, stderr } = await run(script);
      assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
      return stdout;
    },
  };
}

function blocksOf(text: string): readonly PageBlock[] {
  // In a list they stand indented.
  return [...text.matchAll(/^(?<indent> *)```(?<language>\w+)\n(?<body>.*?)^ *```$/gms)].map(({ groups }) => {
    const { indent = '', language = '', body = '' } = groups ?? {};
    const block = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    const file = /^(?:#!.*\n)?# (?<file>[\w./-]+\.(?:yaml|sh))\n/.exec(block)?.groups?.['file'] ?? null;
    return { language, text: block, file };
  });
}
