import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { readSource, replaceText } from '../../src/files/source.ts';

const POD = '\uFEFFapiVersion: v1\r\nkind: Pod\r\nspec: {containers: [{name: c, image: nginx}]}';

async function fileWith(t: TestContext, content: string | Buffer, name = 'a.yaml') {
  const folder = await mkdtemp(join(tmpdir(), 'tagpin-source-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  await writeFile(path, content);
  return { name, path, isFromFolder: false };
}

const nothing = Readable.from([]);

test('a file is read to the byte, with its mark and its line ends', async (t) => {
  const source = await readSource(await fileWith(t, POD), nothing);
  assert.equal(source.kind === 'manifest' && source.text, POD);
  assert.deepEqual(source.kind === 'manifest' && source.images.map(({ image }) => image), ['nginx']);
});

test('standard input is read, in whatever pieces it comes', async () => {
  const bytes = Buffer.from(`${POD} # ä`);
  const source = await readSource(
    { name: '-', path: null, isFromFolder: false },
    Readable.from([bytes.subarray(0, -1), bytes.subarray(-1)]),
  );
  assert.equal(source.kind === 'manifest' && source.text, `${POD} # ä`);
});

test('what is to be filled in first is a template', async (t) => {
  assert.equal((await readSource(await fileWith(t, 'a: {{ .x }}\n- ['), nothing)).kind, 'template');
});

test('a broken file says where', async (t) => {
  const source = await readSource(await fileWith(t, 'a: 1\nb: [\n'), nothing);
  assert.deepEqual(source.kind === 'broken' && [source.problem.line, source.problem.column], [3, 1]);
});

test('JSON in a folder that is no manifest is not looked at; named itself, it is', async (t) => {
  const file = await fileWith(t, '{"a": [1 // why\n}', 'tsconfig.json');
  assert.equal((await readSource({ ...file, isFromFolder: true }, nothing)).kind, 'manifest');
  assert.equal((await readSource(file, nothing)).kind, 'broken');
});

// [name, content, part of the message]
const unreadable: readonly (readonly [string, Buffer, RegExp])[] = [
  ['UTF-16', Buffer.from('\uFEFFa: 1', 'utf16le'), /not UTF-8/],
  ['Latin-1', Buffer.from('a: ä', 'latin1'), /not UTF-8/],
  ['17 MiB', Buffer.alloc(17 * 2 ** 20, '#'), /larger than 16 MiB/],
];

for (const [name, content, message] of unreadable) {
  test(`a file of ${name} is not read`, async (t) => {
    const source = await readSource(await fileWith(t, content), nothing);
    assert.match(source.kind === 'unreadable' ? source.message : '', message);
  });
}

test('a missing file is a problem', async () => {
  const source = await readSource({ name: 'x', path: '/nonexistent/x', isFromFolder: false }, nothing);
  assert.match(source.kind === 'unreadable' ? source.message : '', /no such file/);
});

test('a text is put in place of the one that was read, and of no other', async (t) => {
  const file = await fileWith(t, 'a: 1\n');
  assert.equal(await replaceText(file, 'a: 1\n', 'a: 2\n'), null);
  assert.equal(await readFile(file.path, 'utf8'), 'a: 2\n');
  const before = await stat(file.path, { bigint: true });
  assert.match((await replaceText(file, 'a: 1\n', 'a: 3\n')) ?? '', /changed by someone else/);
  assert.deepEqual(await stat(file.path, { bigint: true }), before);
  await rm(file.path);
  assert.match((await replaceText(file, 'a: 2\n', 'a: 3\n')) ?? '', /no such file/);
});
