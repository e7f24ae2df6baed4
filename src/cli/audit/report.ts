import type { Writable } from 'node:stream';
import { shortImage } from '../../core/audit/finding.ts';
import type { RevisionRow } from '../../core/audit/revision.ts';
import type { AuditRow } from '../../core/audit/row.ts';
import { type Digest, shortDigest } from '../../core/image/digest.ts';
import { csvLine, printable, table, writeJson, writeLine } from '../output.ts';

/** The formats of `tagpin audit -o`. */
export const AUDIT_FORMATS = ['table', 'json', 'csv'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** Prints rows as they come; a table only in the end, when its widths are known. */
export interface RowPrinter<Row> {
  print(rows: readonly Row[]): void;
  end(): void;
}

/** How rows of a kind are written: the fields of JSON and CSV in their order, and the cells of a table. */
interface Columns<Row> {
  readonly fields: (row: Row) => Readonly<Record<string, string | readonly string[] | null>>;
  readonly names: readonly string[];
  readonly headings: readonly string[];
  readonly cells: (row: Row) => readonly string[];
}

const AUDIT_COLUMNS: Columns<AuditRow> = {
  names: ['namespace', 'kind', 'name', 'container', 'image', 'requested', 'digest', 'running', 'state', 'reason'],
  fields: ({ namespace, kind, name, container, image, requested, digest, running, state, reason }) => {
    return { namespace, kind, name, container, image, requested, digest, running, state, reason };
  },
  headings: ['NAMESPACE', 'KIND', 'NAME', 'CONTAINER', 'IMAGE', 'STATE', 'DIGEST', 'RUNNING', 'REASON'],
  cells: ({ namespace, kind, name, container, image, requested, digest, running, state, reason }) => [
    namespace,
    kind,
    name,
    container || '-',
    requested ?? (shortImage(image) || '-'),
    state,
    cut(digest),
    running.length === 0 ? '-' : running.map(shortDigest).join(','),
    reason ?? '',
  ],
};

const REVISION_COLUMNS: Columns<RevisionRow> = {
  names: ['time', 'namespace', 'kind', 'name', 'owner', 'revision', 'container', 'image', 'requested', 'digest'],
  fields: (row) => ({ ...row }),
  headings: ['TIME', 'NAMESPACE', 'OWNER', 'KIND', 'NAME', 'REVISION', 'CONTAINER', 'IMAGE', 'DIGEST'],
  cells: ({ time, namespace, kind, name, owner, revision, container, image, requested, digest }) => [
    time,
    namespace,
    owner ?? '-',
    kind,
    name,
    revision ?? '-',
    container,
    requested ?? shortImage(image),
    cut(digest),
  ],
};

/** Prints the rows of an audit. */
export function auditPrinter(stdout: Writable, format: AuditFormat): RowPrinter<AuditRow> {
  return printer(stdout, format, AUDIT_COLUMNS);
}

/** Prints the rows of `--revisions`. */
export function revisionPrinter(stdout: Writable, format: AuditFormat): RowPrinter<RevisionRow> {
  return printer(stdout, format, REVISION_COLUMNS);
}

function printer<Row>(stdout: Writable, format: AuditFormat, columns: Columns<Row>): RowPrinter<Row> {
  const { names, fields, headings, cells } = columns;
  switch (format) {
    case 'json':
      return {
        print(rows) {
          for (const row of rows) writeJson(stdout, fields(row));
        },
        end() {},
      };
    case 'csv':
      writeLine(stdout, csvLine(names));
      return {
        print(rows) {
          for (const row of rows) {
            const values = fields(row);
            writeLine(stdout, csvLine(names.map((name) => csvText(values[name] ?? null))));
          }
        },
        end() {},
      };
    case 'table': {
      const lines: (readonly string[])[] = [];
      return {
        print(rows) {
          for (const row of rows) lines.push(cells(row).map(printable));
        },
        end() {
          if (lines.length > 0) writeLine(stdout, table(headings, lines));
        },
      };
    }
  }
}

function csvText(value: string | readonly string[] | null): string {
  return typeof value === 'string' ? value : (value ?? []).join(' ');
}

function cut(digest: Digest | null): string {
  return digest === null ? '-' : shortDigest(digest);
}
