import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type FinishedProcess,
  type ProcessOptions,
  type RunningProcess,
  runProcess,
  startProcess,
} from '../support/process.ts';
import { PROGRAMS, programFile } from './programs.ts';

/** A registry's entry in the Docker configuration. */
export type DockerLogin =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string }
  | null;

/** What `crane` and `tagpin` are given; both read the Docker configuration. */
export interface WorkbenchOptions {
  /** The registry, `127.0.0.1:PORT`. */
  readonly host: string;
  readonly login?: DockerLogin;
  /** The policy's entry for the registry, besides `host`. */
  readonly hostPolicy: object;
  /** PEM of the authority that `crane` trusts. */
  readonly authority?: string;
}

/** Media types of what is pushed: Docker's, or those of the OCI image specification. */
export type ImageFormat = 'docker' | 'oci';

/** A folder with a Docker configuration and a policy, and both programs at hand. */
export interface Workbench {
  readonly folder: string;
  /** Runs crane. @returns what it printed. @throws AssertionError when it fails. */
  crane(...args: readonly string[]): Promise<string>;
  /** Runs tagpin from source, with the policy where the command takes one. */
  tagpin(args: readonly string[], options?: ProcessOptions): Promise<FinishedProcess>;
  /** Starts tagpin as the server that it is with these arguments, with the policy. */
  startTagpin(args: readonly string[]): RunningProcess;
  /** Runs tagpin with other logins than the workbench's own. */
  tagpinAs(login: DockerLogin, args: readonly string[]): Promise<FinishedProcess>;
  /** Pushes an image of one layer that holds `content`. @returns its digest. */
  pushImage(reference: string, content: string, options?: { format?: ImageFormat; platform?: string }): Promise<string>;
  /** Pushes an index of images. @returns its digest. */
  pushIndex(reference: string, members: readonly string[], format?: ImageFormat): Promise<string>;
}

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const WITH_POLICY = new Set(['resolve', 'pin']);

/** Opens a workbench for one test. */
export function openWorkbench(t: { after(end: () => void): void }, options: WorkbenchOptions): Workbench {
  const { host, login = null, hostPolicy, authority } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-workbench-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const policy = join(folder, 'policy.yaml');
  const registries = { hosts: [{ host, ...hostPolicy }] };
  writeFileSync(policy, JSON.stringify({ apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy', registries }));
  if (authority !== undefined) writeFileSync(join(folder, 'ca.crt'), authority);
  const environmentOf = (as: DockerLogin) => ({
    PATH: process.env['PATH'],
    HOME: folder,
    DOCKER_CONFIG: dockerConfiguration(folder, host, as),
    ...(authority !== undefined && { SSL_CERT_FILE: join(folder, 'ca.crt') }),
  });
  const environment = environmentOf(login);

  const crane = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProcess(programFile(PROGRAMS.crane), args, { environment });
    assert.equal(code, 0, `crane ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const runTagpin = (args: readonly string[], more: ProcessOptions): Promise<FinishedProcess> => {
    const withPolicy = WITH_POLICY.has(args[0] ?? '') ? [...args, '--policy', policy] : args;
    // tagpin has to find the authority in the policy; crane's own variable stays away from it.
    return runProcess(process.execPath, [MAIN, ...withPolicy], { environment, ...more });
  };
  let layers = 0;

  return {
    folder,
    crane,
    tagpin: (args, more = {}) => runTagpin(args, more),
    startTagpin: (args) => startProcess(process.execPath, [MAIN, ...args, '--policy', policy], { environment }),
    tagpinAs: (as, args) => runTagpin(args, { environment: environmentOf(as) }),
    async pushImage(reference, content, { format = 'oci', platform } = {}) {
      layers += 1;
      const layer = join(folder, `layer-${layers}.tar`);
      mkdirSync(join(folder, `layer-${layers}`));
      writeFileSync(join(folder, `layer-${layers}`, 'content'), content);
      const tar = await runProcess('tar', ['-cf', layer, '-C', join(folder, `layer-${layers}`), 'content']);
      assert.equal(tar.code, 0, tar.stderr);
      const flags = format === 'oci' ? ['--oci-empty-base'] : [];
      await crane('append', ...flags, '-f', layer, '-t', reference);
      if (platform !== undefined) await crane('mutate', reference, '--set-platform', platform, '-t', reference);
      return crane('digest', reference);
    },
    async pushIndex(reference, members, format = 'oci') {
      const flags = format === 'docker' ? ['--docker-empty-base'] : [];
      await crane('index', 'append', ...flags, ...members.flatMap((member) => ['-m', member]), '-t', reference);
      return crane('digest', reference);
    },
  };
}

/** Writes the `config.json` of `docker login`. @returns its folder. */
function dockerConfiguration(folder: string, host: string, login: DockerLogin): string {
  const directory = mkdtempSync(join(folder, 'docker-'));
  const entry =
    login === null
      ? {}
      : 'identityToken' in login
        ? { [host]: { auth: base64('<token>:'), identitytoken: login.identityToken } }
        : { [host]: { auth: base64(`${login.username}:${login.password}`) } };
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths: entry }), { mode: 0o600 });
  return directory;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
