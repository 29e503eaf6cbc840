/** Counts over time as stacked bars. */

import type { Rate } from '../api/types';
import { parseNanos } from './time';

export interface Layer {
  name: string;
  /** A CSS colour. */
  colour: string;
  values: readonly number[];
}

export interface Bars {
  start: bigint;
  step: bigint;
  layers: readonly Layer[];
}

/** Traces: those without an error below, those with one above. */
export function traceBars(rate: Rate): Bars {
  return {
    ...times(rate),
    layers: [
      { name: 'without error', colour: 'var(--bar)', values: rate.bins.map((bin) => bin.count - bin.errors) },
      { name: 'with error', colour: 'var(--error-fill)', values: rate.bins.map((bin) => bin.errors) },
    ],
  };
}

const SEVERITIES = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Log records by severity; those without one are what the severities leave of the count. */
export function logBars(rate: Rate): Bars {
  const level = (index: number) => rate.bins.map((bin) => bin.severities?.[index] ?? 0);
  const unset = rate.bins.map(
    (bin) => bin.count - (bin.severities ?? []).reduce((sum, count) => sum + count, 0),
  );
  const layers = [
    { name: 'unset', colour: 'var(--level-unset)', values: unset },
    ...SEVERITIES.map((name, index) => ({ name, colour: `var(--level-${name})`, values: level(index) })),
  ];
  return { ...times(rate), layers: layers.filter(({ values }) => values.some((value) => value > 0)) };
}

/** What arrives, traces and log records in one picture. */
export function liveBars(traces: Rate, logs: Rate): Bars {
  const count = (rate: Rate) => rate.bins.map((bin) => bin.count - bin.errors);
  const errors = traces.bins.map((bin, index) => bin.errors + (logs.bins[index]?.errors ?? 0));
  return {
    ...times(traces),
    layers: [
      { name: 'traces', colour: 'var(--bar)', values: count(traces) },
      { name: 'log records', colour: 'var(--bar-soft)', values: count(logs) },
      { name: 'errors', colour: 'var(--error-fill)', values: errors },
    ],
  };
}

function times(rate: Rate): { start: bigint; step: bigint } {
  return { start: parseNanos(rate.startNano), step: parseNanos(rate.stepNano) };
}

/** The height of each bar. */
export function totals(bars: Bars): number[] {
  const length = bars.layers[0]?.values.length ?? 0;
  return Array.from({ length }, (_, index) =>
    bars.layers.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
}

/** Rectangles in a drawing of one unit a bar and 100 units of height. */
export function barRects(bars: Bars): { index: number; layer: number; top: number; height: number }[] {
  const most = Math.max(...totals(bars), 1);
  const tops = new Map<number, number>();
  return bars.layers.flatMap(({ values }, layer) =>
    values.flatMap((value, index) => {
      if (value <= 0) return [];
      // One among thousands must still be seen.
      const height = Math.max((value / most) * 100, 2);
      const top = Math.max((tops.get(index) ?? 100) - height, 0);
      tops.set(index, top);
      return [{ index, layer, top, height }];
    }),
  );
}

/** The time between two bars, both included. */
export function barSpan(bars: Bars, first: number, last: number): { from: bigint; to: bigint } {
  const [low, high] = first <= last ? [first, last] : [last, first];
  return { from: bars.start + bars.step * BigInt(low), to: bars.start + bars.step * BigInt(high + 1) };
}
