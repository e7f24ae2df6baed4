import { join } from 'node:path';
import type { ControlPlane } from '../environment/control-plane.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { say, showCommand } from './stage.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** Programs as they could be typed: each command is shown, and what it prints. */
export interface Commands {
  readonly kubectl: (...args: readonly string[]) => Promise<FinishedProcess>;
  readonly tagpin: (...args: readonly string[]) => Promise<FinishedProcess>;
}

/**
 * Commands for a cluster, typed in a folder.
 *
 * @param variables of `tagpin`, besides the kubeconfig of the cluster's administrator.
 */
export function commandsFor(
  plane: ControlPlane,
  folder: string,
  variables: Readonly<Record<string, string>> = {},
): Commands {
  return {
    kubectl: async (...args) => {
      showCommand(['kubectl', ...args.map((each) => each.replace(`${folder}/`, ''))]);
      return shown(await plane.kubectl(args));
    },
    tagpin: async (...args) => {
      showCommand(['tagpin', ...args]);
      const environment = { NODE_COMPILE_CACHE: COMPILED, ...process.env, KUBECONFIG: plane.kubeconfig, ...variables };
      return shown(await runProcess(process.execPath, [MAIN, ...args], { directory: folder, environment }));
    },
  };
}

function shown(finished: FinishedProcess): FinishedProcess {
  for (const text of [finished.stdout, finished.stderr]) if (text.trim() !== '') say(text);
  return finished;
}
