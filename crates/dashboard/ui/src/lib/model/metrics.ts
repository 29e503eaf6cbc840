/** The list of metrics. */

import type { Aggregation } from '../api/client';
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

const AGGREGATIONS: Record<Aggregation, string> = {
  auto: 'Automatic',
  avg: 'Average',
  sum: 'Sum',
  min: 'Minimum',
  max: 'Maximum',
  rate: 'Rate per second',
  p50: 'p50',
  p95: 'p95',
  p99: 'p99',
  count: 'Count',
};

const BY_TYPE: Record<MetricType, readonly Aggregation[]> = {
  gauge: ['auto', 'avg', 'min', 'max', 'sum', 'count'],
  sum: ['auto', 'rate', 'sum', 'avg', 'min', 'max'],
  histogram: ['auto', 'p50', 'p95', 'p99', 'avg', 'rate', 'count'],
  exponential_histogram: ['auto', 'p50', 'p95', 'p99', 'avg', 'rate', 'count'],
  summary: ['auto', 'avg', 'rate', 'count'],
};

/** What makes sense for a metric, and first what the server chooses by itself. */
export function aggregationsOf(metric: Metric): { aggregation: Aggregation; title: string }[] {
  return BY_TYPE[metric.type].map((aggregation) => ({ aggregation, title: AGGREGATIONS[aggregation] }));
}

export function readAggregation(query: URLSearchParams): Aggregation {
  const asked = query.get('agg') ?? '';
  return Object.hasOwn(AGGREGATIONS, asked) ? (asked as Aggregation) : 'auto';
}

/** The unit of what is drawn: a counter's rate is its unit per second, a count has none. */
export function seriesUnit(metric: Metric, aggregation: Aggregation): string {
  const unit = shownUnit(metric.unit);
  if (aggregation === 'count') return '';
  const isRate =
    aggregation === 'rate' || (aggregation === 'auto' && metric.type === 'sum' && metric.monotonic);
  if (!isRate) return unit;
  return metric.type === 'sum' && unit !== '' ? `${unit}/s` : '/s';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
