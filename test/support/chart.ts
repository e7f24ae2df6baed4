import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { PROGRAMS, programFile } from '../environment/programs.ts';
import { type FinishedProcess, runProcess } from './process.ts';

const deploy = join(import.meta.dirname, '../../deploy');

/** The folder of the chart. */
export const CHART = join(deploy, 'chart');
/** What is applied where there is no helm. */
export const INSTALL = join(deploy, 'install.yaml');

/** What is applied for the sweeper where there is no helm. */
export const INSTALL_SWEEPER = join(deploy, 'install-sweeper.yaml');

/** An object of the Kubernetes API that a test reads. */
// oxlint-disable-next-line typescript/no-explicit-any -- unknown would turn every assertion into a cast
export type Rendered = any;

/** Values of the chart, nested as in values.yaml. */
export type Values = Readonly<Record<string, unknown>>;

/** Every object of `deploy/install.yaml`, in its order. */
export function installObjects(): readonly Rendered[] {
  return objectsOf(readFileSync(INSTALL, 'utf8'));
}

/** Every object of `deploy/install-sweeper.yaml`, in its order. */
export function sweeperObjects(): readonly Rendered[] {
  return objectsOf(readFileSync(INSTALL_SWEEPER, 'utf8'));
}

/** The one object of a kind and name. @throws AssertionError where there is none, or more than one. */
export function objectOf(objects: readonly Rendered[], kind: string, name: string): Rendered {
  const found = objects.filter((each) => each.kind === kind && each.metadata.name === name);
  assert.equal(found.length, 1, `${kind} ${name}`);
  return found[0];
}

/** The values that hold where none are given. */
export function defaultValues(): Rendered {
  return parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
}

/** Runs helm as somebody who has never used it. Its exit code is for the test to judge. */
export function helm(
  args: readonly string[],
  { folder = '/nonexistent', kubeconfig = '/nonexistent', input = '' } = {},
): Promise<FinishedProcess> {
  const environment = {
    PATH: process.env['PATH'],
    HOME: folder,
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: join(folder, 'helm-cache'),
    HELM_CONFIG_HOME: join(folder, 'helm-config'),
    HELM_DATA_HOME: join(folder, 'helm-data'),
  };
  return runProcess(programFile(PROGRAMS.helm), args, { environment, input });
}

/** `helm template` of the chart in `tagpin-system` with some values. */
export function template(values: Values, namespace = 'tagpin-system'): Promise<FinishedProcess> {
  const args = ['template', 'tagpin', CHART, '--namespace', namespace, '--values', '-'];
  return helm(args, { input: JSON.stringify(values) });
}

/** The objects of the chart with some values. @throws AssertionError with what helm said. */
export async function render(values: Values, namespace = 'tagpin-system'): Promise<readonly Rendered[]> {
  const { code, stdout, stderr } = await template(values, namespace);
  assert.deepEqual([code, stderr], [0, '']);
  return objectsOf(stdout);
}

function objectsOf(text: string): readonly Rendered[] {
  return parseAllDocuments(text).flatMap((document) => {
    assert.deepEqual(document.errors, []);
    const object: Rendered = document.toJS();
    return object === null ? [] : [object];
  });
}

/**
 * The webhook configurations of `deploy/install.yaml`, called where a test's webhook listens instead of through the Service.
 *
 * @param address `HOST:PORT`. @param authority PEM that its certificate is to be trusted by.
 */
export function configurationsAt(address: string, authority: string): readonly Rendered[] {
  const caBundle = Buffer.from(authority).toString('base64');
  return installObjects()
    .filter(({ kind }) => kind.endsWith('WebhookConfiguration'))
    .map((configuration) => ({
      ...configuration,
      webhooks: configuration.webhooks.map((webhook: Rendered) => ({
        ...webhook,
        clientConfig: { url: `https://${address}${webhook.clientConfig.service.path}`, caBundle },
      })),
    }));
}
