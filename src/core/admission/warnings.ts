import type { Shortened } from '../workload/pins.ts';
import type { AdmissionPlan } from './plan.ts';
import { LONGEST_WARNING, type Warning } from './slot/outcome.ts';

/** The API server cuts and drops what is longer or more, without a word. */
const MOST_WARNINGS = 5;

/** The lines that kubectl shows: problems before news, each once, at most five of at most 120 characters. */
export function warningLines(plan: AdmissionPlan, shortened: Shortened): readonly string[] {
  const warnings = [...plan.warnings, ...shortenedWarnings(shortened), ...plan.slots.flatMap((slot) => slot.warnings)];
  const sorted = [
    ...warnings.filter((each) => each.kind === 'problem'),
    ...warnings.filter((each) => each.kind === 'news'),
  ];
  const lines = [...new Set(sorted.map((warning) => cut(warning.text)))];
  if (lines.length <= MOST_WARNINGS) return lines;
  const shown = lines.slice(0, MOST_WARNINGS - 1);
  return [...shown, `tagpin: and ${lines.length - shown.length} more`];
}

function shortenedWarnings(shortened: Shortened): readonly Warning[] {
  switch (shortened) {
    case 'nothing':
      return [];
    case 'history':
      return [{ kind: 'problem', text: 'tagpin.dev/pins: annotations are full, the oldest earlier pins were dropped' }];
    case 'record':
      return [
        { kind: 'problem', text: 'tagpin.dev/pins: annotations are full, the record was dropped; the digests stay' },
      ];
  }
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= LONGEST_WARNING ? line : `${line.slice(0, LONGEST_WARNING - 1)}…`;
}
