import { openStage, type Stage } from '../cluster/stage.ts';
import { type ArgoCd, startArgoCd } from './argocd.ts';

/** A cluster with tagpin as it ships and a registry, and an Argo CD beside it: what a file of tests shares. */
export interface ArgoStage extends Stage {
  readonly argoCd: ArgoCd;
}

/** Sets the stage; about 20 seconds on an idle machine. */
export async function openArgoStage(): Promise<ArgoStage> {
  const stage = await openStage();
  await using setUp = new AsyncDisposableStack();
  setUp.defer(() => stage.close());
  const argoCd = await startArgoCd({ after: (end) => setUp.defer(end) }, stage.plane);
  const ends = setUp.move();
  return { ...stage, argoCd, close: () => ends.disposeAsync() };
}
