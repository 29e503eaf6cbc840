/** What the waterfall draws: which rows are open, where a bar lies, which times the ruler names. */

import { nanos, type Nanos } from './time';
import type { SpanNode, TraceTree } from './trace-tree';
import type { TimeWindow } from './zoom';

/** The rows that are not inside a collapsed one. With `only`, all others are left out. */
export function visibleRows(
  tree: TraceTree,
  collapsed: ReadonlySet<string>,
  only: ReadonlySet<string> | null = null,
): SpanNode[] {
  const rows: SpanNode[] = [];
  let hiddenBelow = Infinity;
  for (const node of tree.inOrder) {
    if (node.depth > hiddenBelow) continue;
    hiddenBelow = Infinity;
    if (only && !only.has(node.id)) continue;
    rows.push(node);
    if (collapsed.has(node.id)) hiddenBelow = node.depth;
  }
  return rows;
}

export interface Bar {
  /** Percent of the trace. */
  left: number;
  width: number;
  /** Where the duration is written, so that it neither leaves the drawing nor covers the bar's neighbours. */
  label: 'after' | 'before' | 'inside';
}

/** Round times (1, 2 or 5 of a power of ten) strictly inside a window, splitting it into about `count` parts. */
export function rulerTimes(window: TimeWindow, count: number): Nanos[] {
  const step = rulerStep(window, count);
  if (step === 0) return [];
  const times: Nanos[] = [];
  for (let index = Math.floor(window.start / step) + 1; index * step < window.end; index += 1) {
    times.push(nanos(index * step));
  }
  return times;
}

/** The distance of the ruler's times; 0 where there is nothing to measure. */
export function rulerStep(window: TimeWindow, count: number): Nanos {
  const rough = (window.end - window.start) / count;
  if (!(rough > 0) || count < 1) return nanos(0);
  const power = 10 ** Math.floor(Math.log10(rough));
  return nanos([1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough);
}

const INDENT = 14;
const DEEP = 10;

/** Left margin in pixels of a row's name. Deep levels move less, so that a name keeps room at any depth. */
export function indentOf(depth: number): number {
  return depth <= DEEP ? depth * INDENT : DEEP * INDENT + Math.min(depth - DEEP, 20) * 3;
}

/**
 * Length of a duration's bar in a list, in percent, on a fixed scale of seven decades from 10 µs to 100 s: bars of
 * different lists and moments can be compared, and none moves because a longer one arrived.
 */
export function logBar(duration: number): number {
  if (!(duration > 0)) return 0;
  return clamp(((Math.log10(duration) - 4) / 7) * 100, 2, 100);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
