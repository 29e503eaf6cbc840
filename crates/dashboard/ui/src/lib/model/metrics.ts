/** The list of metrics. */

import type { Metric, MetricType } from '../api/types';

export const METRIC_TYPES: Record<MetricType, string> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exp. histogram',
  summary: 'summary',
};

export interface MetricFilter {
  /** Part of name, description or unit, case ignored. */
  q: string;
  service: string;
}

/** Metrics that match, by name and then service. */
export function findMetrics(metrics: readonly Metric[], filter: MetricFilter): Metric[] {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  return metrics
    .filter((metric) => filter.service === '' || metric.service === filter.service)
    .filter((metric) => {
      const text = `${metric.name}\n${metric.description}\n${metric.unit}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => compare(a.name, b.name) || compare(a.service, b.service) || compare(a.type, b.type));
}

export function metricKey(metric: Metric): string {
  return [metric.name, metric.service, metric.type, metric.unit, metric.temporality, metric.monotonic].join(
    '\u0000',
  );
}

/** What kind of sum: a counter only grows, and its points tell a total or a change. */
export function metricKind(metric: Metric): string {
  const name = metric.type === 'sum' && metric.monotonic ? 'counter' : METRIC_TYPES[metric.type];
  return metric.temporality === 'delta' ? `${name}, delta` : name;
}

/** Units as UCUM writes them (https://ucum.org): annotations such as `{request}` lose their braces, `1` says nothing. */
export function shownUnit(unit: string): string {
  return unit === '1' ? '' : unit.replace(/[{}]/g, '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
