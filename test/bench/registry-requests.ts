import { Agent, request } from 'node:https';
import type { TestRegistry } from '../support/registry.ts';
import { reviewOf } from './reviews.ts';

/** What registries were asked for. */
export interface RequestCounts {
  /** Requests, the method and what for, of one review with one image nobody asked for before. */
  readonly coldImage: readonly string[];
  /** Of 1,000 reviews of one new image at once. */
  readonly thousandEqualAskers: number;
  /** Of one Deployment with five different new images of one repository. */
  readonly deploymentOfFive: number;
}

/** Counts what the webhook asks a registry for. */
export async function countRequests(registry: TestRegistry, address: string): Promise<RequestCounts> {
  const asked = async (bodies: readonly string[], connections: number): Promise<string[]> => {
    registry.clearRequests();
    await requestReviews(address, bodies, connections);
    return registry.requests.map(({ method, path }) => `${method} ${path}`);
  };
  for (const tag of ['cold', 'crowd', 'a', 'b', 'c', 'd', 'e']) registry.pushImage('counted', tag);
  const image = (tag: string) => `${registry.host}/counted:${tag}`;
  const five = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((tag) => [tag, image(tag)]));
  const crowd = reviewOf({ app: image('crowd') });
  return {
    coldImage: await asked([reviewOf({ app: image('cold') })], 1),
    thousandEqualAskers: (
      await asked(
        Array.from({ length: 1000 }, () => crowd),
        1000,
      )
    ).length,
    deploymentOfFive: (await asked([reviewOf(five)], 1)).length,
  };
}

/** Sends reviews over so many kept connections, and fails unless each is answered with a patch. */
export async function requestReviews(address: string, bodies: readonly string[], connections: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
  try {
    await Promise.all(bodies.map((body) => send(address, body, agent)));
  } finally {
    agent.destroy();
  }
}

async function send(address: string, body: string, agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const sent = request(`https://${address}/mutate?timeout=10s`, { method: 'POST', agent, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('end', () => {
      if (response.statusCode === 200 && text.includes('"patch"')) resolve();
      else reject(new Error(`${response.statusCode}: ${text.slice(0, 500)}`));
    });
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}
