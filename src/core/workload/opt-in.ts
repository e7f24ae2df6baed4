/** The label by which a Namespace opts in, as a selector asks for it. */
export const OPT_IN_SELECTOR = 'tagpin.dev/inject=enabled';

/**
 * How a Namespace stands to the webhook.
 * - `opted in`: its workloads are looked at.
 * - `left out`: it never is, whatever its labels say: an outage must not stop what the cluster itself needs.
 * - `not opted in`: it has no such label.
 */
export type NamespaceStanding = 'opted in' | 'left out' | 'not opted in';

const ALWAYS_LEFT_OUT: ReadonlySet<string> = new Set(['kube-system', 'kube-node-lease']);

/**
 * Tells how a Namespace stands to the webhook.
 *
 * @param ownNamespace where tagpin itself runs.
 */
export function namespaceStanding(
  name: string,
  labels: Readonly<Record<string, string>>,
  ownNamespace: string,
): NamespaceStanding {
  const [label = '', value = ''] = OPT_IN_SELECTOR.split('=');
  if (!Object.hasOwn(labels, label) || labels[label] !== value) return 'not opted in';
  return ALWAYS_LEFT_OUT.has(name) || name === ownNamespace ? 'left out' : 'opted in';
}
