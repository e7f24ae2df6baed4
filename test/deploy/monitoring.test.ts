/** Alerts and dashboards ask for metrics, labels and values that the program has. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'yaml';
import type { Outcome } from '../../src/core/admission/record.ts';
import type { SweepOutcome } from '../../src/core/sweep/change.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import type { ExchangeOutcome } from '../../src/webhook/exchange.ts';

const root = join(import.meta.dirname, '../..');

/** The labels of each metric: those that src/ registers, and those of every process. */
const METRICS = new Map<string, ReadonlySet<string>>();
for (const file of globSync('src/**/*.ts', { cwd: root })) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, name = '', labels = ''] of text.matchAll(/name: '(tagpin_\w+)',\s*help:[^[]+labels: \[([^\]]*)\]/g)) {
    METRICS.set(name, new Set(labels.match(/\w+/g)));
  }
}
for (const [, name = ''] of (await createMetrics().text()).body.matchAll(/^# TYPE (\w+)/gm)) {
  METRICS.set(name, new Set());
}

/** What Prometheus adds to every metric, and to histograms. */
const SCRAPED = new Set(['namespace', 'pod', 'service', 'job', 'instance', 'le']);
const DECISIONS: Readonly<Record<ExchangeOutcome, true>> = {
  allowed: true,
  patched: true,
  denied: true,
  invalid: true,
  overloaded: true,
  limited: true,
  unready: true,
  failed: true,
};
const OUTCOMES: Readonly<Record<Outcome, true>> = { pinned: true, kept: true, skipped: true, unresolved: true };
const STATES: Readonly<Record<SweepOutcome, true>> = {
  written: true,
  planned: true,
  unchanged: true,
  waiting: true,
  refused: true,
  failed: true,
};
const VALUES: Readonly<Record<string, object>> = {
  decision: DECISIONS,
  outcome: { ...OUTCOMES, ...STATES },
  state: STATES,
};

/** What is wrong with a PromQL expression: a metric, a label or a value that there is not. */
function problems(expression: string): readonly string[] {
  const found: string[] = [];
  const labels = new Set<string>();
  for (const [, name = '', braces = ''] of expression.matchAll(/\b((?:tagpin|process|nodejs)_\w+)(\{[^}]*\})?/g)) {
    const metric = METRICS.has(name) ? name : name.replace(/_(?:bucket|count|sum)$/, '');
    const own = METRICS.get(metric);
    if (own === undefined) found.push(`no metric ${name}`);
    for (const label of own ?? []) labels.add(label);
    for (const [, label = '', values = ''] of braces.matchAll(/(\w+)[=!]~?"([^"]*)"/g)) {
      if (own?.has(label) !== true && !SCRAPED.has(label)) found.push(`${name} has no label ${label}`);
      const known = VALUES[label];
      if (known === undefined) continue;
      found.push(...values.split('|').flatMap((value) => (value in known ? [] : [`${label} is never ${value}`])));
    }
  }
  for (const [, list = ''] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
    const missing = list.split(/,\s*/).filter((label) => !labels.has(label) && !SCRAPED.has(label));
    found.push(...missing.map((label) => `nothing has a label ${label}`));
  }
  return found;
}

test('what is wrong with an expression is found', () => {
  assert.ok(METRICS.size > 15, `${METRICS.size}`);
  assert.deepEqual(problems('sum by (le) (rate(tagpin_review_duration_seconds_bucket{namespace="a"}[5m]))'), []);
  assert.deepEqual(problems('tagpin_none > 0'), ['no metric tagpin_none']);
  assert.deepEqual(problems('tagpin_images_total{colour="a"}'), ['tagpin_images_total has no label colour']);
  assert.deepEqual(problems('tagpin_images_total{outcome=~"kept|lost"}'), ['outcome is never lost']);
  assert.deepEqual(problems('sum by (host) (tagpin_policy_valid)'), ['nothing has a label host']);
});

for (const file of ['alerts.yaml', 'sweeper-alerts.yaml']) {
  test(`every alert of ${file} asks for what there is, and says what to do`, () => {
    const text = readFileSync(join(root, 'deploy/chart', file), 'utf8');
    const alerts: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[] = parse(text.replaceAll(/\{\{ "(.*?)" \}\}/g, '$1'));
    assert.ok(alerts.length >= 4);
    for (const { alert, expr, annotations } of alerts) {
      assert.deepEqual(problems(expr), [], alert);
      assert.ok(annotations['summary'] !== undefined && annotations['description'] !== undefined, alert);
    }
  });
}

for (const file of globSync('deploy/dashboards/*.json', { cwd: root })) {
  test(`every panel of ${file} asks for what there is`, () => {
    const { panels } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    assert.ok(panels.length > 5);
    for (const { title, targets } of panels) {
      for (const { expr } of targets) assert.deepEqual(problems(expr), [], title);
    }
  });
}
