/** Things that several use at the same time, kept for a while and closed when they are needed no more. */
export interface Loans<T> {
  /** Uses the thing of a key, which is made where it is not kept. It is not closed before `run` has ended, but by `close`. */
  use<R>(key: string, make: () => T, run: (thing: T) => Promise<R>): Promise<R>;
  /** Closes all that are kept, used or not. */
  close(): Promise<void>;
}

interface Loan<T> {
  readonly thing: T;
  users: number;
  isKept: boolean;
}

/**
 * Makes them.
 *
 * @param mostKept of more those go that were used longest ago; what is in use comes on top.
 * @param close must not reject.
 */
export function createLoans<T>(mostKept: number, close: (thing: T) => Promise<void>): Loans<T> {
  /** The one that was used last stands last. */
  const loans = new Map<string, Loan<T>>();

  function closeUnused({ thing, users, isKept }: Loan<T>): void {
    if (!isKept && users === 0) void close(thing);
  }

  return {
    async use(key, make, run) {
      const loan = loans.get(key) ?? { thing: make(), users: 0, isKept: true };
      loans.delete(key);
      loans.set(key, loan);
      const [oldest] = loans;
      if (oldest !== undefined && loans.size > mostKept) {
        loans.delete(oldest[0]);
        oldest[1].isKept = false;
        closeUnused(oldest[1]);
      }
      loan.users += 1;
      try {
        return await run(loan.thing);
      } finally {
        loan.users -= 1;
        closeUnused(loan);
      }
    },
    async close() {
      const all = [...loans.values()];
      loans.clear();
      await Promise.all(all.map(({ thing }) => close(thing)));
    },
  };
}
