#!/usr/bin/env node
/**
 * What `tagpin` starts when it is installed: dist/main.js. The command itself needs Node 24, which may be there although
 * `node` is an older one: `npm ci` has brought it along. Only syntax and modules that Node 14 has may be used here.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  await import('../src/main.ts');
} else {
  const own = fileURLToPath(import.meta.url);
  const newer = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  if (existsSync(newer)) startWith(newer, own);
  else {
    process.stderr.write(
      `tagpin: needs Node ${NEEDED} or newer, this is ${process.version}: install it, or run npm ci\n`,
    );
    process.exitCode = 3;
  }
}

/** Runs us on another Node, and ends as it does. */
function startWith(node: string, script: string): void {
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}
