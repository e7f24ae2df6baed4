import { isKubernetesError } from '../../kubernetes/request/error.ts';
import { type ListedKind, resourceName } from '../../kubernetes/workloads.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import { type CommandIO, type ExitCode, highest, writeLine } from '../output.ts';

/** What went wrong in an audit while the rest was answered, and the exit code that comes of it. */
export interface AuditProblems {
  /** Worth knowing, and no failure. */
  notice(text: string): void;
  /** Something could not be read. */
  failed(text: string): void;
  /** The answer to `--fail-on` is no. */
  no(): void;
  /**
   * Reads something of a namespace, anew where it took so long that the API server forgot the list. What is thrown into `failed` is
   * told afterwards, one line for all that is forbidden; a cluster that is gone ends the command.
   *
   * @throws CommandError 3
   */
  inNamespace<T>(
    namespace: string,
    read: (failed: (kind: ListedKind, error: unknown) => void) => Promise<T>,
  ): Promise<T>;
  exitCode(): ExitCode;
}

const MOST_TRIES = 3;

/** Makes what an audit tells its problems to. */
export function createAuditProblems(io: CommandIO): AuditProblems {
  const codes: ExitCode[] = [];

  function notice(text: string): void {
    writeLine(io.stderr, `tagpin: audit: ${text}`);
  }

  function failed(text: string): void {
    codes.push(3);
    notice(text);
  }

  return {
    notice,
    failed,
    no: () => void codes.push(1),
    exitCode: () => highest(codes),
    async inNamespace(namespace, read) {
      for (let tries = 1; ; tries += 1) {
        const forbidden: string[] = [];
        const others: string[] = [];
        try {
          const result = await read((kind, error) => {
            if (isKubernetesError(error, 'Forbidden')) forbidden.push(resourceName(kind));
            else if (isKubernetesError(error, 'Timeout', 'Unavailable', 'TooManyRequests', 'NotFound', 'BadAnswer')) {
              others.push(explainKubernetesError(error, `namespace ${namespace}`).message);
            } else throw error;
          });
          if (forbidden.length > 0) {
            const role = 'the rest is answered: ask for a role that allows it';
            failed(`namespace ${namespace}: ${forbidden.toSorted().join(', ')} may not be listed, ${role}`);
          }
          for (const each of others) failed(each);
          return result;
        } catch (error) {
          if (!isKubernetesError(error, 'Expired') || tries === MOST_TRIES) {
            throw explainKubernetesError(error, `audit: namespace ${namespace}`);
          }
        }
      }
    },
  };
}
