import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** Names a metric: its name with unit, one sentence of help, and the names of its labels. */
export interface MetricName<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly Label[];
}

/** One value for each label. */
export type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** Metrics of one process, in Prometheus' text format, with those of the process and of Node besides. */
export interface Metrics {
  /** A count that only grows. */
  counter<Label extends string>(metric: MetricName<Label>): (labels: Labels<Label>, by?: number) => void;
  /** A figure that is set. */
  gauge<Label extends string>(metric: MetricName<Label>): (labels: Labels<Label>, value: number) => void;
  /** How figures spread. */
  histogram<Label extends string>(
    metric: MetricName<Label> & { readonly buckets: readonly number[] },
  ): (labels: Labels<Label>, value: number) => void;
  /** What a scrape gets. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Makes a set of metrics. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const options = <Label extends string>({ name, help, labels }: MetricName<Label>) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter(metric) {
      const counter = new Counter<string>(options(metric));
      // A series that is there from the start can be told from one that never counts.
      if (metric.labels.length === 0) counter.inc(0);
      return (labels, by = 1) => counter.inc(labels, by);
    },
    gauge(metric) {
      const gauge = new Gauge<string>(options(metric));
      return (labels, value) => gauge.set(labels, value);
    },
    histogram(metric) {
      const histogram = new Histogram<string>({ ...options(metric), buckets: [...metric.buckets] });
      return (labels, value) => histogram.observe(labels, value);
    },
    async text() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}
