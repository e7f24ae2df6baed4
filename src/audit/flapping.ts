import { type AuditedApplication, readApplication } from '../core/audit/application.ts';

/** What looking for Argo CD needs of the outside. */
export interface FlappingNeeds {
  /** The Applications of all namespaces, page by page; none where there is no Argo CD. */
  readonly list: () => AsyncIterable<readonly unknown[]>;
  /** Shown every one of them. */
  readonly saw: (object: unknown) => void;
  /** Does the controller in a namespace compare on the server unless an Application says otherwise? True also where nobody knows. */
  readonly serverSideDiff: (controllerNamespace: string) => Promise<boolean>;
}

/**
 * Finds the workloads that an Application without server-side diff manages: `NAMESPACE/NAME` of the Application by
 * `workloadKey`. Of the Applications nothing else is kept.
 */
export async function findFlapping(needs: FlappingNeeds): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const settings = new Map<string, Promise<boolean>>();

  async function hasServerSideDiff(application: AuditedApplication): Promise<boolean> {
    if (application.serverSideDiff !== null) return application.serverSideDiff;
    const namespace = application.controllerNamespace ?? application.namespace;
    const known = settings.get(namespace) ?? needs.serverSideDiff(namespace);
    settings.set(namespace, known);
    return await known;
  }

  for await (const page of needs.list()) {
    for (const object of page) {
      needs.saw(object);
      const application = readApplication(object);
      if (application.workloads.length === 0 || (await hasServerSideDiff(application))) continue;
      for (const workload of application.workloads) found.set(workload, `${application.namespace}/${application.name}`);
    }
  }
  return found;
}
