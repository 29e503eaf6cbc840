import { describe, expect, it } from 'vitest';
import type { Metric } from '../api/types';
import { aggregationsOf, findMetrics, metricKind, shownUnit, readAggregation, seriesUnit } from './metrics';

const metric = (name: string, more: Partial<Metric> = {}): Metric => ({
  name,
  type: 'sum',
  unit: '1',
  description: '',
  service: 'shop',
  series: 1,
  points: 1,
  lastTimeUnixNano: '1',
  lastValue: 1,
  temporality: 'cumulative',
  monotonic: false,
  attributeKeys: [],
  ...more,
});

describe('findMetrics', () => {
  const metrics = [
    metric('b.size', { unit: 'By' }),
    metric('a.count', { description: 'Requests' }),
    metric('a.count', { service: 'db' }),
  ];
  const names = (q: string, service = '') =>
    findMetrics(metrics, { q, service }).map((m) => `${m.service} ${m.name}`);

  it('sorts by name, then service', () => {
    expect(names('')).toEqual(['db a.count', 'shop a.count', 'shop b.size']);
  });

  it('looks at name, description and unit', () => {
    expect(names('requests')).toEqual(['shop a.count']);
    expect(names('by')).toEqual(['shop b.size']);
    expect(names('a count', 'db')).toEqual(['db a.count']);
  });
});

it('calls a sum that only grows a counter', () => {
  expect(metricKind(metric('a', { monotonic: true }))).toBe('counter');
  expect(metricKind(metric('a', { temporality: 'delta' }))).toBe('sum, delta');
  expect(metricKind(metric('a', { type: 'exponential_histogram', temporality: 'unspecified' }))).toBe(
    'exp. histogram',
  );
});

it('shows units as people write them', () => {
  expect(['1', '{request}', 'ms', '{packet}/s'].map(shownUnit)).toEqual(['', 'request', 'ms', 'packet/s']);
});

it('offers what makes sense for its type', () => {
  const offered = (type: Metric['type']) =>
    aggregationsOf(metric('a', { type })).map(({ aggregation }) => aggregation);
  expect(offered('gauge')).not.toContain('rate');
  expect(offered('histogram')).toContain('p99');
  expect(readAggregation(new URLSearchParams('agg=p99'))).toBe('p99');
  expect(readAggregation(new URLSearchParams('agg=toString'))).toBe('auto');
});

it('is drawn in its unit, and as a rate per second', () => {
  const counter = metric('a', { monotonic: true, unit: '{order}' });
  expect(seriesUnit(counter, 'auto')).toBe('order/s');
  expect(seriesUnit(counter, 'sum')).toBe('order');
  expect(seriesUnit(metric('b', { type: 'histogram', unit: 's' }), 'auto')).toBe('s');
  expect(seriesUnit(metric('b', { type: 'histogram', unit: 's' }), 'rate')).toBe('/s');
});
