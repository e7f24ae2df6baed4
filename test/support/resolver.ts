import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Credential } from '../../src/core/image/credentials.ts';
import { type ImageReference, parseReference } from '../../src/core/image/reference.ts';
import type { Resolution } from '../../src/core/image/resolution.ts';
import {
  createResolver,
  type Question,
  type ResolverEvent,
  type ResolverOptions,
} from '../../src/registry/resolver.ts';
import { registriesOf } from './loopback.ts';
import { type RegistryOptions, startRegistry } from './registry.ts';

/** The credential that a test registry takes unless it is told otherwise. */
export const ROBOT: Credential = { kind: 'basic', username: 'robot', password: 'secret' };

/** A reference that must be one. */
export function reference(text: string): ImageReference {
  const parsed = parseReference(text);
  assert.ok(parsed.ok, text);
  return parsed.reference;
}

/** The digest, or the code of the failure. */
export function show(resolution: Resolution): string {
  return resolution.kind === 'resolved' ? resolution.digest : resolution.code;
}

/** A registry and what its resolver is like. */
export interface ResolverSetUp extends RegistryOptions {
  readonly resolver?: Partial<ResolverOptions>;
  readonly registries?: (host: string) => object;
}

/** Starts a registry with a resolver that may ask it, and a clock that can be put forward; both end with the test. */
export async function startResolver(t: TestContext, options: ResolverSetUp = {}) {
  const registry = await startRegistry(options);
  let settings = registriesOf(
    options.registries?.(registry.host) ?? {
      hosts: [{ host: registry.host, plainHttp: true, authRealms: [registry.tokenHost] }],
    },
  );
  let passed = 0;
  const events: ResolverEvent[] = [];
  const resolver = createResolver({
    settings: () => settings,
    observe: (event) => events.push(event),
    now: () => performance.now() + passed,
    flightMilliseconds: 1000,
    ...options.resolver,
  });
  t.after(async () => {
    await resolver.close();
    await registry.close();
  });
  const ask = (image: string, more: Partial<Question> & { credentials?: readonly Credential[] } = {}) =>
    resolver.resolve({
      reference: reference(image.includes('/') ? image : `${registry.host}/${image}`),
      keychain: async () => more.credentials ?? [],
      signal: new AbortController().signal,
      ...more,
    });
  const list = (image: string, credentials: readonly Credential[] = []) =>
    resolver.listTags({
      reference: reference(`${registry.host}/${image}`),
      keychain: async () => credentials,
      signal: new AbortController().signal,
    });
  return {
    registry,
    resolver,
    events,
    ask,
    list,
    pass: (seconds: number) => {
      passed += seconds * 1000;
    },
    change: (registries: object) => {
      settings = registriesOf(registries);
    },
    lookups: () => events.flatMap((event) => (event.kind === 'lookup' ? [event.result] : [])),
  };
}
