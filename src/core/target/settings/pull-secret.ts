import { isObjectName } from '../../workload/pull-sources.ts';
import type { PullSecretSource } from '../settings.ts';
import { quoted } from './written.ts';

export type ParsedPullSecret =
  | { readonly ok: true; readonly source: PullSecretSource }
  | { readonly ok: false; readonly problem: string };

/** What a Secret's key may be. */
const FIELD = /^[-._a-zA-Z0-9]{1,253}$/;

/**
 * Reads `pullsecret:NAMESPACE/NAME` and `secret:NAMESPACE/NAME#FIELD`, also behind `REGISTRY=`, which Argo CD Image Updater once
 * wanted. Only the Application's own namespace: whoever may write an Application must not read other people's Secrets by it.
 * `env:` and `ext:` would read the sweeper's own environment, or run a program in it, for anyone who can annotate.
 *
 * @returns the source; or the text quoted, what is wrong with it and what to write.
 */
export function parsePullSecret(text: string, namespace: string): ParsedPullSecret {
  const groups = /^(?:[^=#]*=)?(?<kind>[a-z]+):(?<rest>.*)$/.exec(text)?.groups;
  const kind = groups?.['kind'];
  const instead = `make a Secret of the type kubernetes.io/dockerconfigjson and write pullsecret:${namespace}/NAME`;
  if (kind === 'env' || kind === 'ext') {
    return bad(`${quoted(text)} would show the sweeper's own ${kind === 'env' ? 'environment' : 'files'}: ${instead}`);
  }
  if (kind !== 'secret' && kind !== 'pullsecret') return bad(`${quoted(text)} is no credential: ${instead}`);

  const [path = '', field, ...more] = (groups?.['rest'] ?? '').split('#');
  const [of = '', name = '', ...deeper] = path.split('/');
  const form = kind === 'secret' ? `secret:${namespace}/NAME#FIELD` : `pullsecret:${namespace}/NAME`;
  if (more.length > 0 || deeper.length > 0 || !isObjectName(of) || !isObjectName(name)) {
    return bad(`${quoted(text)} names no Secret: write ${form}`);
  }
  if (of !== namespace) {
    return bad(`${quoted(text)} is in another namespace: copy the Secret to ${namespace} and write ${form}`);
  }
  if (kind === 'pullsecret') {
    if (field !== undefined) return bad(`${quoted(text)} has a field, which pullsecret: does not take: write ${form}`);
    return { ok: true, source: { kind, namespace, name } };
  }
  if (field === undefined || !FIELD.test(field)) return bad(`${quoted(text)} names no field: write ${form}`);
  return { ok: true, source: { kind, namespace, name, field } };
}

function bad(problem: string): ParsedPullSecret {
  return { ok: false, problem };
}
