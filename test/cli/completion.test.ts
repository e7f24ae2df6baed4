import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { runProcess } from '../support/process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function tagpin(...args: readonly string[]) {
  return runProcess(process.execPath, [MAIN, ...args]);
}

const scripts = Object.fromEntries(
  await Promise.all(
    ['bash', 'zsh', 'fish'].map(async (shell) => {
      const { code, stdout, stderr } = await tagpin('completion', shell);
      assert.deepEqual([code, stderr], [0, ''], shell);
      return [shell, stdout] as const;
    }),
  ),
);

// [what has been typed, split as bash splits it; the last word is being typed], [what bash offers]
const typed: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['p'], ['pin', 'parse', 'policy']],
  [
    ['policy', ''],
    ['check', 'explain'],
  ],
  [
    ['policy', 'explain', '--nam'],
    ['--namespace', '--namespace-label'],
  ],
  [['policy', '--namespace', 'pin', 'ch'], ['check']],
  [
    ['pin', '--format', ''],
    ['digest', 'tag+digest'],
  ],
  [['pin', '--format', '=', 't'], ['tag+digest']],
  [
    ['pin', '--format', '='],
    ['digest', 'tag+digest'],
  ],
  [['pin', '--format', '=', 'digest', '--i'], ['--in-place']],
  [['pin', '--timeout', '3s', '--lo'], ['--lock']],
  [['ver'], ['verify', 'version']],
  [
    ['verify', '--key', 'cosign.pub', '--t'],
    ['--trust-root', '--timeout'],
  ],
  [
    ['pin', 'k8s', '-'],
    [
      '--in-place',
      '--check',
      '--format',
      '--refresh',
      '--lock',
      '--policy',
      '--timeout',
      '--output',
      '--help',
      '-o',
      '-h',
    ],
  ],
  [['pin', '-o', 'j'], ['json']],
  [['pin', 'k8s/'], ['<files>']],
  [['pin', '--lock', ''], ['<files>']],
  [['pin', '--timeout', ''], []],
  [['pin', '--', '--fo'], ['<files>']],
  [['resolve', 'ng'], []],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['nonsense'], []],
];

test('bash offers commands, options, words and files, each in its place', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  const script = join(folder.path, 'completion');
  await writeFile(script, scripts['bash'] ?? '');
  // The function that bash calls on the tab key, called as bash does; compopt works under the tab key only.
  const program = `
    set -u
    source "$1"; shift
    compopt() { COMPREPLY+=("<files>"); }
    [[ $(complete -p tagpin) == "complete -F _tagpin tagpin" ]] || echo "not bound"
    COMP_WORDS=(tagpin "$@"); COMP_CWORD=$#
    _tagpin
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  for (const [words, offered] of typed) {
    const { stdout, stderr } = await runProcess('bash', ['--norc', '-c', program, 'bash', script, ...words]);
    assert.equal(stderr, '', words.join(' '));
    const lines = stdout.split('\n').filter((line) => line !== '');
    assert.deepEqual(lines.toSorted(), offered.toSorted(), words.join(' '));
  }
});

test('every script knows every command of the help', async () => {
  const { stdout } = await tagpin('--help');
  const commands = [...(stdout.split('Commands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].map(
    ([, name]) => name ?? '',
  );
  assert.ok(commands.includes('pin') && commands.length > 5, stdout);
  for (const [shell, script] of Object.entries(scripts)) {
    for (const command of commands) assert.match(script, new RegExp(`\\b${command}\\b`), `${shell} ${command}`);
  }
});

for (const shell of ['zsh', 'fish'] as const) {
  const isThere = spawnSync(shell, ['--version']).status === 0;
  // In CI nothing is skipped: what is not there fails.
  const skip = isThere || process.env['CI'] === 'true' ? false : `${shell} is not installed`;
  test(`${shell} reads its script`, { skip }, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
    const script = join(folder.path, 'completion');
    await writeFile(script, scripts[shell] ?? '');
    assert.deepEqual(await runProcess(shell, ['-n', script]), { code: 0, stdout: '', stderr: '' });
  });
}

test('another shell is wrong use', async () => {
  const { code, stderr } = await tagpin('completion', 'tcsh');
  assert.equal(code, 2);
  assert.match(stderr, /bash, zsh, fish/);
});
