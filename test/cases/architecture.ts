/** Made-up files, the first of each the culprit, its path from the repository's root. */
type Files = Readonly<Record<string, string>>;

/** For each rule of `architecture.test.ts`, files that break it and files that keep it. */
export const cases: Readonly<Record<string, { readonly broken: readonly Files[]; readonly kept: readonly Files[] }>> = {
  'a folder imports only the folders of its row': {
    broken: [
      { 'src/core/image/a.ts': `import { b } from '../../platform/b.ts';` },
      { 'src/core/a.ts': `import type { B } from '../registry/b.ts';` },
      { 'src/core/a.ts': `import {\n  b,\n  type C,\n} from '../platform/b.ts';` },
      { 'src/core/a.ts': `import * as b from '../platform/b.ts';` },
      { 'src/core/a.ts': `export { b } from '../platform/b.ts';` },
      { 'src/core/a.ts': `export type { B } from '../platform/b.ts';` },
      { 'src/core/a.ts': `export * from '../platform/b.ts';` },
      { 'src/core/a.ts': `import '../platform/b.ts';` },
      { 'src/core/a.ts': `const load = () => import('../platform/b.ts');` },
      { 'src/core/a.ts': `let b: import('../platform/b.ts').B;` },
      { 'src/core/a.ts': `const url = /https?:\\/\\//;\nimport { b } from '../platform/b.ts';` },
      { 'src/core/a.ts': `const odd = /['"\`]/;\nimport { b } from '../platform/b.ts';` },
      {
        'src/core/a.ts': 'const t = `https://${`in` + 1}`;\nimport { b } from "../platform/b.ts";'.replaceAll('"', "'"),
      },
      { 'src/core/a.ts': `/* it's */ // don't\nimport { b } from '../platform/b.ts';` },
      { 'src/platform/http.ts': `import { a } from '../core/a.ts';` },
      { 'src/webhook/mutate.ts': `import { client } from '../registry/client.ts';` },
      { 'src/files/pin.ts': `import { a } from '../webhook/app.ts';` },
      { 'src/certificates/issue.ts': `import { a } from '../core/a.ts';` },
      { 'src/registry/client.ts': `import { a } from '../git/mirror.ts';` },
      { 'src/main.ts': `import { a } from './core/a.ts';` },
      { 'src/core/a.ts': `import { b } from '../../test/support/b.ts';` },
      { 'src/core/a.ts': `const load = (name: string) => import(name);` },
      { 'src/unheard-of/a.ts': `import { b } from './b.ts';` },
    ],
    kept: [
      { 'src/core/a.ts': `// import { b } from '../platform/b.ts';\n/**\nimport { b } from '../platform/b.ts';\n*/` },
      { 'src/core/a.ts': `const text = "import { b } from '../platform/b.ts'";` },
      { 'src/core/a.ts': `import { b } from './image/b.ts';\nconst all = Array.from('abc');` },
      { 'src/registry/client.ts': `import { a } from '../core/a.ts';\nimport { b } from '../platform/b.ts';` },
      { 'src/cli/webhook.ts': `import { a } from '../webhook/app.ts';\nimport { b } from '../registry/b.ts';` },
      { 'src/main.ts': `import { run } from './cli/program.ts';` },
    ],
  },

  'a package is imported only where its row says so': {
    broken: [
      { 'src/core/a.ts': `import pino from 'pino';` },
      { 'src/core/a.ts': `import type { Request } from 'express';` },
      { 'src/webhook/server.ts': `import express from 'express';` },
      { 'src/platform/http.ts': `import { LRUCache } from 'lru-cache';` },
      { 'src/certificates/upkeep.ts': `import forge from 'node-forge';` },
      { 'src/registry/client.ts': `import { LRUCache } from 'lru-cache';` },
      { 'src/registry/cloud/google.ts': `import { GoogleAuth } from 'google-auth-library';` },
      { 'src/registry/client.ts': `const sdk = () => import('@aws-sdk/client-ecr');` },
      { 'src/kubernetes/watch.ts': `import { Watch } from '@kubernetes/client-node';` },
      { 'src/git/mirror.ts': `import { request } from 'undici';` },
      { 'src/cli/pin.ts': `import semver from 'semver/functions/parse.js';` },
      { 'src/main.ts': `import { Command } from 'commander';` },
      { 'src/files/pin.ts': `import fs from 'fs';` },
    ],
    kept: [
      { 'src/core/a.ts': `import { parseDocument } from 'yaml';\nimport parse from 'semver/functions/parse.js';` },
      { 'src/webhook/app.ts': `import express from 'express';\nimport { createHash } from 'node:crypto';` },
      { 'src/platform/cache.ts': `import { LRUCache } from 'lru-cache';` },
      { 'src/certificates/issue.ts': `import forge from 'node-forge';` },
      {
        'src/registry/cloud/google.ts': `import type { A } from 'google-auth-library';\nimport('google-auth-library');`,
      },
    ],
  },

  'core takes nothing from node but types': {
    broken: [
      { 'src/core/a.ts': `import { createHash } from 'node:crypto';` },
      { 'src/core/a.ts': `import { type Hash } from 'node:crypto';` },
      { 'src/core/a.ts': `import 'node:crypto';` },
      { 'src/core/a.ts': `const load = () => import('node:fs');` },
    ],
    kept: [
      { 'src/core/a.ts': `import type { Hash } from 'node:crypto';` },
      { 'src/platform/a.ts': `import { createHash } from 'node:crypto';` },
    ],
  },

  'core has no clock, timer, chance, promise or process': {
    broken: [
      { 'src/core/a.ts': `const now = Date.now();` },
      { 'src/core/a.ts': `const now = new Date();` },
      { 'src/core/a.ts': `const now = Date();` },
      { 'src/core/a.ts': `const now = performance.now();` },
      { 'src/core/a.ts': `setTimeout(() => {}, 1);` },
      { 'src/core/a.ts': `const dice = Math.random();` },
      { 'src/core/a.ts': `const dice = crypto.randomUUID();` },
      { 'src/core/a.ts': 'const where = `${process.cwd()}`;' },
      { 'src/core/a.ts': `async function a() {}` },
      { 'src/core/a.ts': `console.log('a');` },
    ],
    kept: [
      { 'src/core/a.ts': `// not Date.now()\nconst text = 'Math.random() at process.cwd()';` },
      { 'src/core/a.ts': `const time = new Date(text).getTime();\nconst again = Date.parse(text);` },
      { 'src/core/a.ts': `export type Keychain = (name: string) => Promise<string>;` },
      { 'src/platform/a.ts': `const now = Date.now();` },
    ],
  },

  'the environment and the arguments are read in one place': {
    broken: [
      { 'src/registry/a.ts': `const home = process.env['HOME'];` },
      { 'src/cli/pin.ts': `const first = process.argv[2];` },
      { 'src/cli/pin.ts': `const { env } = process;` },
      { 'src/webhook/a.ts': `import { env } from 'node:process';` },
      { 'src/webhook/a.ts': `import process from 'process';` },
    ],
    kept: [
      { 'src/main.ts': `const home = process.env['HOME'];` },
      { 'src/cli/configuration.ts': `const first = process.argv[2];` },
      { 'src/cli/pin.ts': `const home = io.environment['HOME']; // not process.env` },
    ],
  },

  'only main.ts ends the process': {
    broken: [
      { 'src/cli/pin.ts': `process.exit(1);` },
      { 'src/webhook/server.ts': `process.exitCode = 3;` },
      { 'src/webhook/server.ts': `process.kill(process.pid);` },
    ],
    kept: [
      { 'src/main.ts': `process.exitCode = 1;` },
      // The group of a program that it started is never its own.
      { 'src/platform/program.ts': `process.kill(-pid, 'SIGKILL');` },
    ],
  },

  'no modules import each other in a circle, types included': {
    broken: [
      { 'src/core/a.ts': `import { b } from './b.ts';`, 'src/core/b.ts': `import type { A } from './a.ts';` },
      {
        'src/core/b.ts': `import { c } from './c.ts';`,
        'src/core/c.ts': `import { d } from './d.ts';`,
        'src/core/d.ts': `const load = () => import('./b.ts');`,
      },
      { 'src/core/a.ts': `import { a } from './a.ts';` },
    ],
    kept: [
      {
        'src/core/a.ts': `import { b } from './b.ts';\nimport { c } from './c.ts';`,
        'src/core/b.ts': `import { c } from './c.ts';`,
        'src/core/c.ts': '',
      },
    ],
  },

  'nothing imports cli but main.ts': {
    broken: [
      { 'src/webhook/app.ts': `import { a } from '../cli/output.ts';` },
      { 'test/cli/pin.test.ts': `import { a } from '../../src/cli/output.ts';` },
    ],
    kept: [
      { 'src/main.ts': `import { a } from './cli/output.ts';` },
      { 'src/cli/pin.ts': `import { a } from './output.ts';` },
    ],
  },

  'there are no default exports': {
    broken: [
      { 'src/core/a.ts': `export default function a() {}` },
      { 'test/support/a.ts': `const a = 1;\nexport default a;` },
    ],
    kept: [{ 'src/core/a.ts': `export function a() {} // no export default` }],
  },

  'what is exported is declared there: no barrels': {
    broken: [
      { 'src/core/a.ts': `export * from './b.ts';` },
      { 'src/core/a.ts': `export { b } from './b.ts';` },
      { 'src/core/a.ts': `import { b } from './b.ts';\nexport { b };` },
      { 'src/core/a.ts': `export type { B } from './b.ts';` },
      { 'src/core/a.ts': `const a = 1;\nexport { a as default };` },
    ],
    kept: [{ 'src/core/a.ts': `export type A = { b: 1 };\nexport const a = 1;` }],
  },

  'files hold one noun or verb and are named for it': {
    broken: [
      { 'src/core/utils.ts': '' },
      { 'src/core/helpers/a.ts': '' },
      { 'src/platform/common.ts': '' },
      { 'src/webhook/types.ts': '' },
      { 'src/core/image/index.ts': '' },
      { 'src/core/imageReference.ts': '' },
      { 'test/support/util.ts': '' },
      { 'test/core/helper.test.ts': '' },
    ],
    kept: [{ 'src/core/image/reference.ts': '' }, { 'src/registry/docker-config.ts': '' }],
  },

  'every file of core and of the edges has its test': {
    broken: [
      { 'src/core/a.ts': `export const a = 1;` },
      { 'src/registry/cloud/google.ts': `export class Google {}` },
      { 'src/core/a.ts': `import { b } from './b.ts';\nexport type A = typeof b;\nb();` },
      {
        'src/core/a.ts': `export const a = 1;`,
        'test/core/a.test.ts': `import { b } from '../../src/core/b.ts';`,
      },
      { 'src/core/a.ts': `export const a = 1;`, 'test/a.test.ts': `import { a } from '../src/core/a.ts';` },
    ],
    kept: [
      { 'src/core/a.ts': `export const a = 1;`, 'test/core/a.test.ts': `import { a } from '../../src/core/a.ts';` },
      { 'src/core/a.ts': `import type { B } from './b.ts';\n/** An A. */\nexport interface A {\n  b: B;\n}` },
      { 'src/webhook/app.ts': `export const a = 1;` },
    ],
  },

  'no file is too long': {
    broken: [{ 'src/core/a.ts': '\n'.repeat(351) }, { 'test/core/a.test.ts': '\n'.repeat(351) }],
    kept: [{ 'src/core/a.ts': '\n'.repeat(350) }],
  },
};
