/** What the waterfall draws: which rows are open, where a bar lies, which times the ruler names. */

import { nanos, type Nanos } from './time';
import type { SpanNode, TraceTree } from './trace-tree';

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

export function barOf(start: Nanos, duration: Nanos, total: Nanos): Bar {
  const left = total > 0 ? clamp((start / total) * 100, 0, 100) : 0;
  const width = total > 0 ? clamp((duration / total) * 100, 0, 100 - left) : 100;
  const label = left + width <= 80 ? 'after' : left >= 20 ? 'before' : 'inside';
  return { left, width, label };
}

/** Round times (1, 2 or 5 of a power of ten) that split the trace into at most `count` parts, without 0. */
export function rulerTimes(total: Nanos, count: number): Nanos[] {
  if (!(total > 0) || count < 1) return [];
  const rough = total / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const times: Nanos[] = [];
  for (let index = 1; index * step < total; index += 1) times.push(nanos(index * step));
  return times;
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
