/** A pull request as a host shows it. */
export interface HostedRequest {
  readonly number: number;
  /** For people. */
  readonly url: string;
  readonly branch: string;
  readonly base: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly state: 'open' | 'merged' | 'closed';
  /** False for one of a fork, which somebody else may have made to look like ours. */
  readonly isOfRepository: boolean;
}

/** What a pull request is opened with. */
export interface NewRequest {
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

/** The pull requests of one repository. Every call rejects with `HostingError`. */
export interface Host {
  /** How people refer to one: `#12`, `!12`. */
  refer(number: number): string;
  /** Those of a branch onto a base, of whatever state, the newest first; as far back as the host is asked. */
  ofBranch(branch: string, base: string): Promise<readonly HostedRequest[]>;
  /** All that are open, the newest first, up to a thousand. */
  open(): Promise<readonly HostedRequest[]>;
  create(request: NewRequest): Promise<HostedRequest>;
  update(number: number, text: { readonly title: string; readonly body: string }): Promise<void>;
  close(number: number, body: string): Promise<void>;
  /** Adds labels, which are made where there are none of that name. */
  label(number: number, labels: readonly string[]): Promise<void>;
}
