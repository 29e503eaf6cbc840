/** Traces as points: when they started and, on a logarithmic scale, how long they took. */

import type { TraceSummary } from '../api/types';
import { nanosBetween, parseNanos } from './time';

export interface ScatterPoint {
  trace: TraceSummary;
  /** Fractions of the drawing, from its left and its top. */
  x: number;
  y: number;
}

export interface Scatter {
  points: ScatterPoint[];
  start: bigint;
  end: bigint;
  /** Durations in nanoseconds with their places from the top. */
  marks: { duration: number; y: number }[];
}

/** Room above and below, so that no point lies on the edge. */
const MARGIN = 0.08;

export function scatter(traces: readonly TraceSummary[]): Scatter {
  const times = traces.map((trace) => parseNanos(trace.startTimeUnixNano));
  const start = times.reduce((first, time) => (time < first ? time : first), times[0] ?? 0n);
  const end = times.reduce((last, time) => (time > last ? time : last), times[0] ?? 0n);
  const logs = traces.map((trace) => Math.log10(Math.max(Number(trace.durationNano), 1)));
  const low = Math.floor(logs.reduce((least, log) => Math.min(least, log), Infinity));
  const high = Math.max(Math.ceil(logs.reduce((most, log) => Math.max(most, log), -Infinity)), low + 1);
  const place = (log: number) => 1 - MARGIN - ((log - low) / (high - low)) * (1 - 2 * MARGIN);
  const length = nanosBetween(start, end);
  const points = traces.map((trace, index) => ({
    trace,
    x: length > 0 ? nanosBetween(start, times[index] ?? start) / length : 0.5,
    y: place(logs[index] ?? low),
  }));
  const marks = [];
  for (let log = low; traces.length > 0 && log <= high; log += 1)
    marks.push({ duration: 10 ** log, y: place(log) });
  return { points, start, end, marks };
}

/** The point nearest to a place, when it is near enough; all in pixels. */
export function nearestPoint(
  points: readonly ScatterPoint[],
  at: { x: number; y: number },
  size: { width: number; height: number },
  reach = 14,
): ScatterPoint | null {
  let nearest: ScatterPoint | null = null;
  let least = reach * reach;
  for (const point of points) {
    const distance = (point.x * size.width - at.x) ** 2 + (point.y * size.height - at.y) ** 2;
    if (distance > least) continue;
    least = distance;
    nearest = point;
  }
  return nearest;
}
