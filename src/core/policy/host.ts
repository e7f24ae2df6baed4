import { parseReference } from '../image/reference.ts';
import { compileGlob } from './grammar/glob.ts';

/** A host as policies name it, in the canonical form of references; or what is wrong with it. */
export type ParsedHost =
  | { readonly ok: true; readonly host: string }
  | { readonly ok: false; readonly problem: string };

const NO_HOST = 'is not a host with an optional port, such as ghcr.io or registry.internal:5000';

/** Reads a host with an optional port: `Index.docker.io:443` is `docker.io`. A single label counts too (`auth`). */
export function parseHost(text: string): ParsedHost {
  if (/^[a-z]+:\/\//i.test(text)) return problem(text, 'has a scheme: write the host alone');
  if (text.includes('/')) return problem(text, 'has a path: write the host alone');
  const hasPort = /:[0-9]+$/.test(text) && !/^\[[^\]]*$/.test(text);
  // The one reader of hosts is that of references; a port keeps it from taking a single label for a repository.
  const parsed = parseReference(`${text}${hasPort ? '' : ':443'}/x`);
  return parsed.ok ? { ok: true, host: parsed.reference.registry } : problem(text, NO_HOST);
}

/** Reads a glob of hosts: labels with `*` in them, and a port of digits. */
export function parseHostGlob(text: string): ParsedHost {
  if (!text.includes('*')) return parseHost(text);
  if (text.includes('**'))
    return problem(text, 'is not a glob of hosts: * stands within one label, and there is no **');
  // A wildcard stands where a letter may, so that the rest is read as any host.
  const parsed = parseHost(text.replaceAll('*', 'x'));
  const port = /:(?<port>[0-9]+)$/.exec(text)?.groups?.['port'];
  if (!parsed.ok || !/^[\w.*:-]+$/.test(text)) return problem(text, NO_HOST);
  const labels = (port === undefined ? text : text.slice(0, -port.length - 1)).toLowerCase();
  const canonicalPort = /:[0-9]+$/.exec(parsed.host)?.[0] ?? '';
  return { ok: true, host: `${labels}${canonicalPort}` };
}

/**
 * Compiles a glob of hosts. Labels are compared one by one, so `*` never crosses a dot, and the ports must be equal; no port
 * is the default one.
 */
export function compileHostGlob(glob: string): (registry: string) => boolean {
  if (!glob.includes('*')) return (registry) => registry === glob;
  const [host, port] = splitPort(glob);
  const labels = host.split('.').map(compileGlob);
  return (registry) => {
    const [name, ownPort] = splitPort(registry);
    const own = name.split('.');
    return (
      ownPort === port && own.length === labels.length && labels.every((matches, index) => matches(own[index] ?? ''))
    );
  };
}

function splitPort(host: string): readonly [string, string] {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? [host, ''] : [host.slice(0, colon), host.slice(colon + 1)];
}

function problem(text: string, what: string): ParsedHost {
  return { ok: false, problem: `${JSON.stringify(text)} ${what}` };
}
