import { type OciRepositoryTarget, readOciRepository } from '../../target/oci-repository.ts';
import { parseConstraint } from '../../version/constraint.ts';
import { asObject, asString, elements, property, valueAt } from '../../workload/json.ts';
import type { ObjectFinding } from '../finding.ts';
import { lintIdentity } from '../identities.ts';
import { isEmptyRange } from '../rules/empty-range.ts';
import { lintKeys } from './keys.ts';

const FOLLOW = 'tagpin.dev/follow';
const MOST_IDENTITIES = 50;

/** Finds what of a Flux OCIRepository can't act, and one that moves by itself to what nobody checked. */
export function lintOciRepository(object: unknown): readonly ObjectFinding[] {
  const read = readOciRepository(object, { namespacePaused: false });
  const range = asString(valueAt(object, ['spec', 'ref', 'semver'])) ?? '';
  return [
    ...lintKeys('OCIRepository', object),
    ...(read.kind === 'unreadable' ? read.problems.map(unreadable) : []),
    ...(read.kind === 'read' ? applied(read.target) : []),
    ...emptyRange(range),
    ...(range !== '' || read.kind !== 'unfollowed' ? unverified(object) : []),
    ...identities(object),
    ...(read.kind === 'unfollowed' ? idleRange(object, range) : []),
  ];
}

/** What an OCIRepository follows; null where it follows nothing, or can't. */
export function followedByOciRepository(object: unknown): OciRepositoryTarget | null {
  const read = readOciRepository(object, { namespacePaused: false });
  return read.kind === 'read' ? read.target : null;
}

/** A problem begins with its field. */
function unreadable(problem: string): ObjectFinding {
  const [where = '', ...rest] = problem.split(': ');
  return { code: 'BadValue', where, message: rest.join(': ') };
}

function applied({ appliedBy }: OciRepositoryTarget): readonly ObjectFinding[] {
  if (appliedBy === null) return [];
  const message = `${appliedBy} applies ref.tag or ref.digest, and would put its own back: remove them from what it applies`;
  return [{ code: 'NoEffect', where: FOLLOW, message }];
}

function emptyRange(range: string): readonly ObjectFinding[] {
  const parsed = range === '' ? null : parseConstraint(range);
  if (parsed?.ok !== true || !isEmptyRange(parsed.constraint)) return [];
  return [
    {
      code: 'MatchesNothing',
      where: 'spec.ref.semver',
      message: `${JSON.stringify(range)}: no version is in that range`,
    },
  ];
}

/** Until the first write Flux selects alone, and what it selects is checked by this or by nobody. */
function unverified(object: unknown): readonly ObjectFinding[] {
  if (asObject(valueAt(object, ['spec', 'verify'])) !== null) return [];
  const message =
    'there is none, so that Flux takes the newest version whoever made it: write provider, and whose signature counts';
  return [{ code: 'NotVerified', where: 'spec.verify', message }];
}

/** Flux looks for its patterns anywhere in the text. */
function identities(object: unknown): readonly ObjectFinding[] {
  const written = elements(valueAt(object, ['spec', 'verify', 'matchOIDCIdentity'])).slice(0, MOST_IDENTITIES);
  return written.flatMap((each, index) => {
    const identity = {
      issuer: null,
      issuerPattern: asString(property(each, 'issuer')) || null,
      subject: null,
      subjectPattern: asString(property(each, 'subject')) || null,
    };
    return lintIdentity(identity, 'part').map(({ code, field, message }): ObjectFinding => {
      const where = `spec.verify.matchOIDCIdentity[${index}].${field.replace('Pattern', '')}`;
      return { code, where, message };
    });
  });
}

/** Flux takes a digest before a range, and nobody moves it. */
function idleRange(object: unknown, range: string): readonly ObjectFinding[] {
  const digest = asString(valueAt(object, ['spec', 'ref', 'digest'])) ?? '';
  if (range === '' || digest === '') return [];
  const message = `does nothing beside ref.digest, which Flux takes first: remove one of the two, or write ${FOLLOW}: semver`;
  return [{ code: 'NoEffect', where: 'spec.ref.semver', message }];
}
