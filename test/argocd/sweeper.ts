import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Manifest } from '../support/admission.ts';
import { rowsOf } from '../support/audited-cluster.ts';
import { sweeperObjects } from '../support/chart.ts';
import { type ProcessOptions, type RunningProcess, runProcess, startProcess } from '../support/process.ts';
import { ARGO_CD_NAMESPACE } from './argocd.ts';
import { type ArgoStage, openArgoStage } from './stage.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const USER = 'system:serviceaccount:tagpin-system:tagpin-sweeper';

/** What came of one image of one Application: `written Moved`. */
export interface SweptImage {
  readonly came: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly message: string;
}

/** A cluster with Argo CD, and tagpin's sweeper with the rights that it is installed with. */
export interface SweptStage extends ArgoStage {
  /** `tagpin sweep --once` of one Application. @throws AssertionError where it ends with another code than 0. */
  sweep(application: string): Promise<readonly SweptImage[]>;
  /** Starts `tagpin sweep`, which looks every second. */
  startSweeper(...args: readonly string[]): Promise<RunningProcess>;
  /** How often the sweeper wrote an Application. */
  writes(application: string): Promise<number>;
  /** What the API server refused to the sweeper. */
  refusals(): Promise<readonly string[]>;
}

/** Sets the stage; about 20 seconds on an idle machine. */
export async function openSweptStage(): Promise<SweptStage> {
  const stage = await openArgoStage();
  await using setUp = new AsyncDisposableStack();
  setUp.defer(() => stage.close());
  const { plane } = stage;
  // Its Pod has nowhere to run here: the process is started by the tests.
  for (const object of sweeperObjects()) if (object.kind !== 'Deployment') await plane.apply(object);
  const kubeconfig = await plane.kubeconfigFor(USER);
  const mirrors = `--git-directory=${join(plane.folder, 'mirrors')}`;
  const command = ['sweep', `--kubeconfig=${kubeconfig}`, '--namespace=tagpin-system', mirrors];
  const options: ProcessOptions = {
    directory: plane.folder,
    environment: { PATH: process.env['PATH'], HOME: '/nonexistent', NODE_COMPILE_CACHE: COMPILED },
  };
  const asked = async () => (await plane.auditEvents()).filter(({ user }) => user.username === USER);
  const ends = setUp.move();
  return {
    ...stage,
    async sweep(application) {
      const target = `--target=Application/${ARGO_CD_NAMESPACE}/${application}`;
      const args = [MAIN, ...command, '--once', '-o', 'json', target];
      const { code, stdout, stderr } = await runProcess(process.execPath, args, options);
      assert.equal(code, 0, `${stderr}${stdout}`);
      return rowsOf(stdout).map(sweptImage);
    },
    async startSweeper(...args) {
      const listen = '--operations-listen=127.0.0.1:0';
      const sweeper = startProcess(process.execPath, [MAIN, ...command, '--interval=1s', listen, ...args], options);
      ends.defer(async () => void (await sweeper.stop()));
      await sweeper.waitFor(/"server":"operations"/);
      return sweeper;
    },
    async writes(application) {
      const events = await asked();
      return events.filter(
        ({ verb, objectRef, responseStatus }) =>
          verb === 'patch' &&
          objectRef?.resource === 'applications' &&
          objectRef.name === application &&
          responseStatus?.code === 200,
      ).length;
    },
    async refusals() {
      const refused = (await asked()).filter(({ responseStatus }) => responseStatus?.code === 403);
      return refused.map(({ verb, requestURI }) => `${verb} ${requestURI}`);
    },
    close: () => ends.disposeAsync(),
  };
}

function sweptImage(row: Manifest): SweptImage {
  const { outcome, reason, from, to, message } = row as Record<string, string>;
  return { came: `${outcome} ${reason}`, from: from ?? null, to: to ?? null, message: message ?? '' };
}
