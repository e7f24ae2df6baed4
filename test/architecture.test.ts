/** The house of design/architecture.md, section 3 above all, as rules over the imports and the text of every file. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { build } from 'esbuild';
import { cases } from './cases/architecture.ts';
import {
  findCycle,
  isTypesOnly,
  type ModuleImport,
  packageName,
  readModule,
  readTree,
  type SourceModule,
} from './support/source-tree.ts';

/** Everything that the rules look at. */
interface Tree {
  /** The modules below `src/`. */
  readonly source: readonly SourceModule[];
  /** The modules below `test/`. */
  readonly tests: readonly SourceModule[];
}

interface Row {
  /** Folders of src that it may import, besides itself. */
  readonly folders: readonly string[];
  /** Packages: in which of its files, and whether they must be loaded lazily. */
  readonly packages: readonly { readonly name: RegExp; readonly file?: RegExp; readonly lazy?: true }[];
}

/** Section 3, word for word. A folder that stands not here may not be. */
const TABLE: Readonly<Record<string, Row>> = {
  'main.ts': { folders: ['cli'], packages: [] },
  core: { folders: [], packages: [{ name: /^(?:semver|yaml|zod|re2js)$/ }] },
  platform: {
    folders: [],
    packages: [
      { name: /^(?:undici|pino|@prometheus-io\/client|cockatiel|p-limit)$/ },
      { name: /^lru-cache$/, file: /^cache\.ts$/ },
    ],
  },
  registry: {
    folders: ['core', 'platform'],
    packages: [
      { name: /^undici$/ },
      { name: /^(?:@aws-sdk\/.+|@smithy\/.+|google-auth-library|@azure\/.+)$/, file: /^cloud\//, lazy: true },
    ],
  },
  kubernetes: {
    folders: ['core', 'platform'],
    packages: [{ name: /^undici$/ }, { name: /^@kubernetes\/client-node$/, file: /^client\.ts$/ }],
  },
  git: { folders: ['core', 'platform'], packages: [] },
  signature: { folders: ['core', 'platform'], packages: [{ name: /^@sigstore\/.+$/ }] },
  webhook: { folders: ['core', 'platform'], packages: [{ name: /^express$/, file: /^app\.ts$/ }] },
  sweeper: { folders: ['core', 'platform'], packages: [{ name: /^express$/, file: /^receivers\.ts$/ }] },
  audit: { folders: ['core', 'platform'], packages: [] },
  files: { folders: ['core', 'platform'], packages: [] },
  certificates: { folders: ['platform'], packages: [{ name: /^node-forge$/, file: /^issue\.ts$/ }] },
  cli: {
    folders: 'core platform registry kubernetes git signature webhook sweeper audit files certificates'.split(' '),
    packages: [{ name: /^(?:commander|zod)$/ }],
  },
};

/** These have a test of the same name for each of their files; commands are tested as processes, uses through them too. */
const MIRRORED = new Set(['core', 'registry', 'kubernetes', 'git', 'signature']);
const READS_ENVIRONMENT = ['src/main.ts', 'src/cli/configuration.ts'];
const DRAWERS = /^(?:utils?|helpers?|commons?|types?|misc|shared|lib|index|constants)$/;
const LONGEST_FILE = 350;

/** `core` of `src/core/image/digest.ts`; `main.ts` of `src/main.ts`. */
function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function eachImport(tree: Tree, judge: (module: SourceModule, one: ModuleImport) => string | null): string[] {
  return tree.source.flatMap((module) =>
    module.imports.flatMap((one) => {
      const problem = judge(module, one);
      return problem === null ? [] : [`${module.path}: ${problem}`];
    }),
  );
}

function eachMatch(modules: readonly SourceModule[], pattern: RegExp, problem: string): string[] {
  return modules.flatMap(({ path, code }) =>
    [...code.matchAll(pattern)].map(([text]) => `${path}: ${text}: ${problem}`),
  );
}

/** Each rule gives its problems, one line each. The names are those of the cases that show it fail. */
const RULES: Readonly<Record<string, (tree: Tree) => readonly string[]>> = {
  'a folder imports only the folders of its row': (tree) =>
    eachImport(tree, ({ path }, { specifier, target }) => {
      const row = TABLE[folderOf(path)];
      if (row === undefined) return `src/${folderOf(path)} has no row in the table`;
      if (specifier === null) return 'import() of an expression can not be followed';
      if (target === null) return null;
      const folder = folderOf(target);
      if (!target.startsWith('src/')) return `${specifier} is outside src`;
      return folder === folderOf(path) || row.folders.includes(folder) ? null : `may not import ${target}`;
    }),

  'a package is imported only where its row says so': (tree) =>
    eachImport(tree, ({ path }, { specifier, target, kind }) => {
      if (specifier === null || target !== null || specifier.startsWith('node:')) return null;
      const name = packageName(specifier);
      const allowed = TABLE[folderOf(path)]?.packages.find((one) => one.name.test(name));
      const file = path.split('/').slice(2).join('/');
      if (allowed === undefined || !(allowed.file ?? /(?:)/).test(file)) return `may not import ${name}`;
      return allowed.lazy === true && kind === 'value' ? `must import ${name} lazily` : null;
    }),

  'core takes nothing from node but types': (tree) =>
    eachImport(tree, ({ path }, { specifier, kind }) =>
      folderOf(path) === 'core' && specifier?.startsWith('node:') === true && kind !== 'type'
        ? `may not import ${specifier}`
        : null,
    ),

  'core has no clock, timer, chance, promise or process': (tree) =>
    eachMatch(
      tree.source.filter(({ path }) => folderOf(path) === 'core'),
      /\b(?:Date\.now|new Date\(\s*\)|(?<!new )\bDate\(|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|Math\.random|crypto\.|process\.|fetch\(|console\.|async\b|await\b|Promise\.)/g,
      'core only decides',
    ),

  'the environment and the arguments are read in one place': (tree) =>
    [
      ...eachMatch(
        tree.source,
        /\bprocess\s*(?:\?\.|\.|\[)\s*(?:env|argv|argv0|execArgv)\b|\{[^{}]*\b(?:env|argv)\b[^{}]*\}\s*=\s*process\b/g,
        'ask cli/configuration.ts',
      ),
      ...eachImport(tree, (_module, { specifier }) =>
        /^(?:node:)?process$/.test(specifier ?? '') ? 'imports process' : null,
      ),
    ].filter((problem) => !READS_ENVIRONMENT.some((path) => problem.startsWith(`${path}:`))),

  'only main.ts ends the process': (tree) =>
    eachMatch(
      tree.source.filter(({ path }) => path !== 'src/main.ts'),
      /\bprocess\.(?:exit|abort|reallyExit|kill\b(?!\(-))\b|\bprocess\.exitCode\b/g,
      'return a value, or throw',
    ),

  'no modules import each other in a circle, types included': ({ source }) => {
    const cycle = findCycle(source);
    return cycle === null ? [] : [`${cycle[0]}: a circle: ${cycle.join(' → ')}`];
  },

  'nothing imports cli but main.ts': ({ source, tests }) =>
    [...source, ...tests].flatMap(({ path, imports }) =>
      // Some tests run one command dozens of times.
      ['src/main.ts', 'test/support/command-here.ts'].includes(path) || path.startsWith('src/cli/')
        ? []
        : imports.flatMap(({ target }) =>
            target?.startsWith('src/cli/') === true ? [`${path}: imports ${target}`] : [],
          ),
    ),

  'there are no default exports': ({ source, tests }) =>
    eachMatch([...source, ...tests], /^export default\b/gm, 'name it'),

  'what is exported is declared there: no barrels': ({ source, tests }) =>
    eachMatch([...source, ...tests], /^export\s+(?:type\s+)?[{*]/gm, 'import it from where it is declared'),

  'files hold one noun or verb and are named for it': ({ source, tests }) =>
    [...source, ...tests].flatMap(({ path }) =>
      path
        .replace(/(?:\.test)?\.ts$/, '')
        .split('/')
        .flatMap((part) =>
          DRAWERS.test(part) || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part)
            ? [`${path}: not a name for anything: ${part}`]
            : [],
        ),
    ),

  'every file of core and of the edges has its test': ({ source, tests }) => {
    const byPath = new Map(tests.map((module) => [module.path, module]));
    return source.flatMap((module) => {
      if (!MIRRORED.has(folderOf(module.path))) return [];
      const path = module.path.replace(/^src\/(.+)\.ts$/, 'test/$1.test.ts');
      const imported = byPath.get(path)?.imports.some(({ target }) => target === module.path) === true;
      return imported || isTypesOnly(module) ? [] : [`${module.path}: ${path} does not test it`];
    });
  },

  'no file is too long': ({ source, tests }) =>
    [...source, ...tests].flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1;
      return lines > LONGEST_FILE ? [`${path}: ${lines} lines, ${LONGEST_FILE} is the most`] : [];
    }),
};

const root = join(import.meta.dirname, '..');
const real: Tree = { source: readTree(root, ['src']), tests: readTree(root, ['test']) };

function treeOf(files: Readonly<Record<string, string>>): Tree {
  const modules = Object.entries(files).map(([path, text]) => readModule(path, text));
  return {
    source: modules.filter(({ path }) => path.startsWith('src/')),
    tests: modules.filter(({ path }) => path.startsWith('test/')),
  };
}

for (const [name, problems] of Object.entries(RULES)) {
  test(name, () => {
    assert.deepEqual(problems(real), []);
  });

  test(`${name}: broken and kept by made-up files`, () => {
    const { broken, kept } = cases[name] ?? assert.fail('no case shows that this rule can fail');
    for (const files of broken) {
      const found = problems(treeOf(files));
      const culprit = Object.keys(files)[0] ?? '';
      assert.ok(
        found.some((problem) => problem.startsWith(`${culprit}:`)),
        `not seen in ${JSON.stringify(files)}`,
      );
    }
    for (const files of kept) assert.deepEqual(problems(treeOf(files)), [], JSON.stringify(files));
  });
}

test('the rules look at files and at imports of every kind', () => {
  const imports = real.source.flatMap((module) => module.imports);
  assert.ok(real.source.length > 10, `${real.source.length} files`);
  assert.ok(real.tests.some(({ path }) => path === 'test/architecture.test.ts'));
  assert.ok(imports.filter(({ kind, target }) => kind === 'value' && target !== null).length > 10);
  assert.ok(imports.some(({ kind, target }) => kind === 'type' && target !== null));
  assert.ok(imports.some(({ specifier, target }) => target === null && specifier !== null));
});

test('every import that the bundler sees is seen', async () => {
  const { metafile } = await build({
    entryPoints: real.source.map(({ path }) => path),
    absWorkingDir: root,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    outdir: 'dist',
    metafile: true,
    logLevel: 'silent',
  });
  for (const module of real.source) {
    const seen = new Set(module.imports.map(({ specifier, target }) => target ?? specifier));
    const missed = (metafile.inputs[module.path]?.imports ?? assert.fail(module.path)).filter(
      ({ path }) => !seen.has(path),
    );
    assert.deepEqual(missed, [], module.path);
  }
});
