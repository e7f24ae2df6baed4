import * as z from 'zod';
import { parseHost } from '../host.ts';
import { certificates, duration, host, hostGlob, mapping, objectName, optional } from './fields.ts';

/** Stickiness makes a stale answer permanent, so an answer that is recorded is a minute old at most. */
const LONGEST_FRESH = 60_000;

const proxyUrl = z.string().superRefine((written, context) => {
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    context.addIssue('is not the address of a proxy, such as http://proxy.corp:3128');
  }
});

/** A host, a suffix (`.corp`), an address or a block of addresses (`10.0.0.0/8`) that is reached directly. */
const noProxyEntry = z.string().transform((written, context) => {
  const block = /^(?<address>[0-9a-f.:]+)\/(?<width>\d{1,3})$/i.exec(written)?.groups;
  const isBlock =
    block !== undefined &&
    Number(block['width']) <= (block['address']?.includes(':') === true ? 128 : 32) &&
    URL.canParse(`http://${block['address']?.includes(':') === true ? `[${block['address']}]` : block['address']}/`);
  const isAddress = /^[0-9a-f]*:[0-9a-f:.]*:/i.test(written) && URL.canParse(`http://[${written}]/`);
  if (isBlock || isAddress || written === '*') return written.toLowerCase();
  const parsed = parseHost(written.replace(/^\*?\./, ''));
  if (!parsed.ok) context.addIssue(`${JSON.stringify(written)} is not a host, a suffix such as .corp, or addresses`);
  return written.toLowerCase();
});

/** `HOST[:PORT][/PATH]`, the host in canonical form. */
const mirror = z.string().transform((written, context) => {
  const slash = written.indexOf('/');
  const parsed = parseHost(slash === -1 ? written : written.slice(0, slash));
  const path = slash === -1 ? '' : written.slice(slash + 1);
  if (!parsed.ok) context.addIssue(parsed.problem);
  else if (slash !== -1 && !/^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/.test(path)) {
    context.addIssue(`${JSON.stringify(path)} is not the beginning of a repository`);
  } else return slash === -1 ? parsed.host : `${parsed.host}/${path}`;
  return z.NEVER;
});

const hostSchema = mapping({
  host: host.superRefine((registry, context) => {
    if (!/[.:]/.test(registry) && registry !== 'localhost') {
      context.addIssue(`${JSON.stringify(registry)} can be no registry: images name hosts with a dot or a port`);
    }
  }),
  plainHttp: z.boolean().default(false),
  certificateAuthority: optional(certificates),
  credentials: optional(mapping({ secret: objectName })),
  requestsPerSecond: optional(z.number().positive()),
  authRealms: z.array(host).default([]),
  mirror: optional(mirror),
});

/** `registries` of a policy: which registries may be asked, and how. */
export const registriesSchema = mapping({
  freshFor: duration({ least: 0, most: LONGEST_FRESH }).default(10_000),
  allow: optional(z.array(hostGlob)),
  proxy: optional(mapping({ url: proxyUrl, noProxy: z.array(noProxyEntry).default([]) })),
  hosts: z.array(hostSchema).default([]),
});
