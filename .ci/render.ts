/**
 * `npm run render`: writes deploy/install.yaml from deploy/chart. It needs helm, which `npm run test:cluster` builds; another one
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

/**
 * The text of deploy/install.yaml.
 *
 * @param helm the file of the program.
 * @throws Error with what helm wrote.
 */
export function renderInstall(helm: string): string {
  const args = ['template', 'tagpin', join(deploy, 'chart'), '--namespace=tagpin-system', '--set=namespace.create=true'];
  const documents = execFileSync(helm, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .split(/^---\n/m)
    .map((document) => document.replaceAll(/^# Source: .*\n/gm, '').trim())
    .filter((document) => document !== '');
  const isConfiguration = (document: string): boolean => /^kind: \w+WebhookConfiguration$/m.test(document);
  const sorted = [...documents.filter(isConfiguration), ...documents.filter((document) => !isConfiguration(document))];
  return [HEADING, ...sorted.map((document) => `${document}\n`)].join('---\n');
}

if (import.meta.main) {
  const helm = process.argv[2] ?? join(import.meta.dirname, '../.tools/bin/helm');
  writeFileSync(join(deploy, 'install.yaml'), renderInstall(helm));
}
