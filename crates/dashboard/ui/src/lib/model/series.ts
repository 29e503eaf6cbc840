/** Series of a chart: names, colours, values at a place. */

import type { MetricSeries } from '../api/types';
import { SERVICE_COLOURS } from './service-colours';

export interface ChartSeries {
  name: string;
  /** A CSS colour. */
  colour: string;
  values: readonly (number | null)[];
  /** Lengths of strokes and gaps, for series that share a colour with others. */
  dash: readonly number[];
}

const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [1, 5]];

/** Ten colours, and then the same ten with broken lines. */
export function lineOf(index: number): Pick<ChartSeries, 'colour' | 'dash'> {
  return {
    colour: `var(--service-${index % SERVICE_COLOURS})`,
    dash: DASHES[Math.floor(index / SERVICE_COLOURS) % DASHES.length] ?? [],
  };
}

/** The values of what a series is grouped by, or what stands for all. */
export function seriesName(labels: Record<string, string>): string {
  const values = Object.values(labels);
  return values.length === 0 ? 'all' : values.map((value) => value || 'none').join(', ');
}

export function metricSeries(series: readonly MetricSeries[]): ChartSeries[] {
  return series.map(({ labels, values }, index) => ({ name: seriesName(labels), values, ...lineOf(index) }));
}

/** Times of bins in seconds, as the chart takes them. */
export function binTimes(start: bigint, step: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number((start + step * BigInt(index)) / 1_000n) / 1e6);
}

/** The newest value that is one. */
export function lastValue(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** Values per bin as values per second. */
export function perSecond(values: readonly number[], stepNanos: bigint): number[] {
  const seconds = Number(stepNanos) / 1e9;
  return values.map((value) => (seconds > 0 ? value / seconds : 0));
}

/** A line through values in a drawing of 100 by 100, broken where there are none. */
export function sparkPath(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  const most = Math.max(...known, 0) || 1;
  let path = '';
  let broken = true;
  values.forEach((value, index) => {
    if (value !== null) {
      const x = values.length > 1 ? (index / (values.length - 1)) * 100 : 50;
      path += `${broken ? 'M' : 'L'}${x.toFixed(1)} ${(98 - (value / most) * 96).toFixed(1)}`;
    }
    broken = value === null;
  });
  return path;
}
