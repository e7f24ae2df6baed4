/**
 * `npm run render`: writes deploy/install.yaml and deploy/install-sweeper.yaml from deploy/chart. It needs helm, which `npm run test:cluster` builds; another one
 * can be named as an argument.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const deploy = join(import.meta.dirname, '../deploy');

const HEADING = `# Rendered from deploy/chart by npm run render: change the chart instead.
#
#   kubectl apply -f install.yaml      installs, and applying it again changes nothing that tagpin or you have made since
#   kubectl delete -f install.yaml     takes it all away, with the namespace tagpin-system and the policy in it
#
# The configurations stand first: what is deleted first must be what sends requests to the rest. When they are applied
# first nothing waits for the rest either, but workloads of namespaces that carry the label tagpin.dev/inject=enabled.
`;

const SWEEPER_HEADING = `# Rendered from deploy/chart (sweeper.enabled) by npm run render: change the chart instead.
#
#   kubectl apply -f install-sweeper.yaml      where Argo CD is in the namespace argocd; beside install.yaml, or alone
#   kubectl delete -f install-sweeper.yaml     takes it away again, but for its state
#
# Alone, the namespace has to be made first: kubectl create namespace tagpin-system
`;

const COMMAND = ['template', 'tagpin', join(deploy, 'chart'), '--namespace=tagpin-system'];

/**
 * The text of deploy/install.yaml.
 *
 * @param helm the file of the program.
 * @throws Error with what helm wrote.
 */
export function renderInstall(helm: string): string {
  const documents = render(helm, '--set=namespace.create=true');
  const isConfiguration = (document: string): boolean => /^kind: \w+WebhookConfiguration$/m.test(document);
  const sorted = [...documents.filter(isConfiguration), ...documents.filter((document) => !isConfiguration(document))];
  return [HEADING, ...sorted].join('---\n');
}

/**
 * The text of deploy/install-sweeper.yaml: what the chart adds for the sweeper.
 *
 * @param helm the file of the program.
 * @throws Error with what helm wrote.
 */
export function renderSweeper(helm: string): string {
  const isSweeper = (document: string): boolean => /^ {4}app\.kubernetes\.io\/component: sweeper$/m.test(document);
  return [SWEEPER_HEADING, ...render(helm, '--set=sweeper.enabled=true').filter(isSweeper)].join('---\n');
}

function render(helm: string, values: string): readonly string[] {
  return execFileSync(helm, [...COMMAND, values], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .split(/^---\n/m)
    .map((document) => document.replaceAll(/^# Source: .*\n/gm, '').trim())
    .filter((document) => document !== '')
    .map((document) => `${document}\n`);
}

if (import.meta.main) {
  const helm = process.argv[2] ?? join(import.meta.dirname, '../.tools/bin/helm');
  writeFileSync(join(deploy, 'install.yaml'), renderInstall(helm));
  writeFileSync(join(deploy, 'install-sweeper.yaml'), renderSweeper(helm));
}
