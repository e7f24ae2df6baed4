import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { startDistribution } from '../environment/distribution.ts';
import { type ArgoCd, startArgoCd } from './argocd.ts';

/** What every Application of a test file shares. */
export interface Stage {
  readonly plane: ControlPlane;
  readonly argoCd: ArgoCd;
  /** The registry, `127.0.0.1:PORT`. */
  readonly registry: string;
}

/** Opens it in `before`, and closes it in `after`. */
export interface StageCurtain {
  open(): Promise<void>;
  close(): Promise<void>;
  /** @throws Error before it is open. */
  stage(): Stage;
}

/** A control plane with its controllers, Argo CD and a registry, for the hooks of a test file. */
export function stageCurtain(): StageCurtain {
  const ends: (() => Promise<void>)[] = [];
  const later = { after: (end: () => Promise<void>) => void ends.unshift(end) };
  let stage: Stage | null = null;
  return {
    async open() {
      const plane = await startControlPlane(later, { controllers: 'all' });
      const registry = await startDistribution();
      later.after(() => registry.stop());
      stage = { plane, argoCd: await startArgoCd(later, plane), registry: registry.host };
    },
    async close() {
      for (const end of ends) await end();
    },
    stage() {
      if (stage === null) throw new Error('the stage is not open');
      return stage;
    },
  };
}
