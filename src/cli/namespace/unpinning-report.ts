import { shortDigest } from '../../core/image/digest.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../core/workload/kinds.ts';
import { type Consequence, type UnpinnedSlot, unpinning } from '../../core/workload/unpinning.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { isKubernetesError } from '../../kubernetes/request/error.ts';
import { keyOf } from '../../kubernetes/request/list.ts';
import { listWorkloads, resourceName } from '../../kubernetes/workloads.ts';
import { type CommandIO, type OutputFormat, table, writeJson, writeLine } from '../output.ts';

/** Of whole objects a few megabytes at a time. */
const PAGE = 200;

const CONSEQUENCES: Readonly<Record<Consequence, string>> = {
  'rolls-out': 'rolls out',
  'new-pods': 'counts for new Pods',
  restarts: 'restarts the container',
  refused: 'is refused: delete the Job first',
};

/**
 * Prints which pinned images of a namespace would become tags again when their workloads are applied without the webhook: a
 * table, or a JSON object for each. Kinds that may not be listed are named on stderr, since something may be there.
 *
 * @throws KubernetesError
 */
export async function reportUnpinning(
  io: CommandIO,
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
  output: OutputFormat,
): Promise<void> {
  const rows: string[][] = [];
  let isComplete = true;
  for (const kind of WORKLOAD_KINDS) {
    try {
      for await (const { name, consequence, slot } of listUnpinned(client, kind, namespace)) {
        const { key: container, image, requested, digest } = slot;
        if (output === 'json') {
          writeJson(io.stdout, { namespace, kind, name, container, image, requested, digest, nextApply: consequence });
        } else {
          rows.push([`${kind}/${name}`, container, requested, shortDigest(digest), CONSEQUENCES[consequence]]);
        }
      }
    } catch (error) {
      if (!isKubernetesError(error, 'Forbidden')) throw error;
      isComplete = false;
      const next = 'what is pinned there is not known';
      writeLine(io.stderr, `tagpin: namespace disable: ${resourceName(kind)} may not be listed: ${next}`);
    }
  }
  if (output === 'json') return;
  if (rows.length > 0) {
    writeLine(io.stdout, 'what runs goes on running; the next apply of a tag puts the tag back:');
    writeLine(io.stdout, table(['WORKLOAD', 'CONTAINER', 'TAG', 'PINNED TO', 'THE NEXT APPLY'], rows));
  } else if (isComplete) {
    writeLine(io.stdout, 'nothing there is pinned by tagpin: the next apply changes nothing for want of it');
  }
}

interface UnpinnedImage {
  readonly name: string;
  readonly consequence: Consequence;
  readonly slot: UnpinnedSlot;
}

async function* listUnpinned(
  client: Pick<KubernetesClient, 'request'>,
  kind: WorkloadKind,
  namespace: string,
): AsyncGenerator<UnpinnedImage, void> {
  for await (const objects of listWorkloads(client, kind, namespace, PAGE)) {
    for (const object of objects) {
      const found = unpinning(kind, object);
      if (found === null) continue;
      const name = keyOf(object)?.split('/')[1] ?? '';
      for (const slot of found.slots) yield { name, consequence: found.consequence, slot };
    }
  }
}
