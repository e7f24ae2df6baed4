import assert from 'node:assert/strict';
import { hintKey, type PayloadReader, type ReadPayload } from '../../src/core/receivers/hint.ts';

/** What a test adds to a body. */
export interface ReceivedMore {
  readonly headers?: Readonly<Record<string, string>>;
  readonly registries?: readonly string[];
}

/** Reads a body as it comes over the wire. */
export function receive(
  reader: PayloadReader,
  body: unknown,
  { headers = {}, registries = [] }: ReceivedMore = {},
): ReadPayload {
  const parsed = JSON.parse(typeof body === 'string' ? body : JSON.stringify(body)) as unknown;
  return reader({ body: parsed, header: (name) => headers[name] ?? null, registries });
}

/** The hints of a body as texts: `registry/repository:tag`. */
export function hintsIn(reader: PayloadReader, body: unknown, more?: ReceivedMore): readonly string[] {
  const read = receive(reader, body, more);
  assert.equal(read.kind, 'hints', JSON.stringify(read));
  return read.kind === 'hints' ? read.hints.map(hintKey) : [];
}

const DEEP = { __proto__: null, a: [[[[{}]]]] };

/** Bodies that no sender sends. They are refused, or mean nothing; a reader never throws. */
const NONSENSE: readonly unknown[] = [
  null,
  true,
  0,
  '""',
  [],
  [null],
  [[]],
  {},
  DEEP,
  '{"__proto__":{"type":"PUSH_ARTIFACT","action":"push","events":[]}}',
  '{"constructor":{"prototype":{"action":"push"}}}',
  { events: {} },
  { events: [null, 1, 'x', []] },
  { type: 'PUSH_ARTIFACT', event_data: { resources: 'x' } },
  { push_data: [], repository: [] },
  { push_data: { tag: {} }, repository: { repo_name: {}, repo_full_name: [], region: {} } },
];

/** Shows that nothing comes of nonsense. */
export function refusesNonsense(reader: PayloadReader): void {
  for (const body of NONSENSE) {
    const read = receive(reader, body);
    assert.notEqual(read.kind, 'handshake');
    if (read.kind === 'hints') assert.deepEqual(read.hints, [], JSON.stringify(body));
  }
  assert.equal(Object.hasOwn(Object.prototype, 'type'), false);
}
