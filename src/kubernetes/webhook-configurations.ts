import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import { isKubernetesError } from './request/error.ts';
import { resourcePath } from './request/resource.ts';

/** The two kinds. */
export type ConfigurationKind = 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';

/** A webhook of a configuration. */
export interface RegisteredWebhook {
  readonly name: string;
  /** PEM; empty where there is none. */
  readonly caBundle: string;
  /** The name that API servers want to see in its certificate; null where it can't be told. */
  readonly host: string | null;
}

/** A configuration as it was read; `state` is null where there is none of that name. */
export interface ReadConfiguration {
  readonly kind: ConfigurationKind;
  readonly name: string;
  readonly state: {
    /** Its resourceVersion. */
    readonly version: string;
    /** Its uid and generation: another one after any change of its webhooks, and no other change. */
    readonly revision: string;
    readonly webhooks: readonly RegisteredWebhook[];
    /** cert-manager's annotation that lets cainjector write the caBundles; null where there is none. */
    readonly injector: string | null;
  } | null;
}

/** The mutating and the validating configuration of one name. */
export interface ConfigurationStore {
  /** Both, in this order. @throws KubernetesError */
  readonly read: () => Promise<readonly ReadConfiguration[]>;
  /**
   * Writes the caBundle of these webhooks, and nothing else: over the version that was read only. `conflict`: it has changed
   * since.
   *
   * @throws KubernetesError
   */
  readonly write: (
    configuration: ReadConfiguration,
    webhooks: readonly string[],
    caBundle: string,
  ) => Promise<'written' | 'conflict'>;
  /** Tells of every change, and that there are configurations, until the signal. @throws KubernetesError, `signal.reason` */
  readonly watch: (changed: () => void, signal: AbortSignal) => Promise<void>;
}

const RESOURCES: Readonly<Record<ConfigurationKind, string>> = {
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
};
const KINDS: readonly ConfigurationKind[] = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];
const API = { group: 'admissionregistration.k8s.io', version: 'v1' };
/** Bookmarks come every minute or so. */
const QUIET = 100_000;
const SHORTEST_WATCH_SECONDS = 240;
const WATCH_SPREAD_SECONDS = 120;

/** Opens both configurations of a name; nothing is sent yet. */
export function openWebhookConfigurations(
  client: Pick<KubernetesClient, 'request' | 'watch'>,
  name: string,
): ConfigurationStore {
  const pathOf = (kind: ConfigurationKind): string => resourcePath({ ...API, resource: RESOURCES[kind], name });

  async function readOne(kind: ConfigurationKind): Promise<ReadConfiguration> {
    try {
      return { kind, name, state: stateOf(await client.request({ method: 'GET', path: pathOf(kind) })) };
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return { kind, name, state: null };
      throw error;
    }
  }

  return {
    read: () => Promise.all(KINDS.map(readOne)),

    async write({ kind, state }, webhooks, caBundle) {
      if (state === null) return 'conflict';
      const value = Buffer.from(caBundle, 'utf8').toString('base64');
      // Order and number of the webhooks may be others than a moment ago, so each is tested by its name.
      const places = state.webhooks.flatMap((webhook, index) =>
        webhooks.includes(webhook.name)
          ? [
              { op: 'test', path: `/webhooks/${index}/name`, value: webhook.name },
              { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value },
            ]
          : [],
      );
      const body = [{ op: 'test', path: '/metadata/resourceVersion', value: state.version }, ...places];
      const query = { fieldManager: 'tagpin' };
      try {
        await client.request({ method: 'PATCH', path: pathOf(kind), patch: 'json', query, body });
        return 'written';
      } catch (error) {
        if (isKubernetesError(error, 'Conflict', 'NotFound')) return 'conflict';
        if (!isKubernetesError(error, 'Invalid')) throw error;
        // So it answers a test that fails, and also a patch that it takes for wrong.
        const { state: now } = await readOne(kind);
        if (now?.version === state.version) throw error;
        return 'conflict';
      }
    },

    async watch(changed, signal) {
      const ending = new AbortController();
      const either = AbortSignal.any([signal, ending.signal]);
      const timeoutSeconds = String(SHORTEST_WATCH_SECONDS + Math.floor(Math.random() * WATCH_SPREAD_SECONDS));
      const query = { fieldSelector: `metadata.name=${name}`, allowWatchBookmarks: 'true', timeoutSeconds };
      const watches = KINDS.map((kind) =>
        client.watch(
          // Without a version it begins with what there is, so nothing falls between a read and the watch.
          { path: resourcePath({ ...API, resource: RESOURCES[kind] }), query, quietMilliseconds: QUIET },
          (type) => {
            if (type !== 'BOOKMARK') changed();
          },
          either,
        ),
      );
      try {
        await Promise.race(watches);
      } finally {
        ending.abort();
        await Promise.allSettled(watches);
      }
    },
  };
}

function stateOf(object: JsonObject): ReadConfiguration['state'] {
  const { resourceVersion, uid, generation, annotations } = record(object['metadata']);
  const webhooks = Array.isArray(object['webhooks']) ? object['webhooks'] : [];
  const injector = Object.keys(record(annotations)).find((key) => key.startsWith('cert-manager.io/inject-'));
  return {
    version: String(resourceVersion),
    revision: `${String(uid)}/${String(generation)}`,
    webhooks: webhooks.map((webhook) => {
      const { name, clientConfig } = record(webhook);
      const { caBundle, url, service } = record(clientConfig);
      return {
        name: String(name),
        caBundle: typeof caBundle === 'string' ? Buffer.from(caBundle, 'base64').toString('utf8') : '',
        host: typeof url === 'string' ? hostOf(url) : serviceHost(record(service)),
      };
    }),
    injector: injector ?? null,
  };
}

function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[(.*)\]$/, '$1') : null;
}

function serviceHost({ name, namespace }: Record<string, unknown>): string | null {
  return typeof name === 'string' && typeof namespace === 'string' ? `${name}.${namespace}.svc` : null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
