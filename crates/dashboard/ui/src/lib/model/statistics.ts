/** Statistics of one trace per service and operation. */

import type { CriticalPath } from './critical-path';
import { selfTime } from './self-time';
import type { SpanNode, TraceTree } from './trace-tree';

export interface OperationStatistics {
  service: string;
  operation: string;
  count: number;
  errors: number;
  /** Nanoseconds, as are the following. */
  total: number;
  self: number;
  average: number;
  median: number;
  p95: number;
  max: number;
  /** On the critical path. */
  critical: number;
}

export type StatisticsColumn = Exclude<keyof OperationStatistics, 'service' | 'operation'>;

export const STATISTICS_COLUMNS: readonly { column: StatisticsColumn; title: string }[] = [
  { column: 'count', title: 'Count' },
  { column: 'errors', title: 'Errors' },
  { column: 'total', title: 'Total' },
  { column: 'self', title: 'Self' },
  { column: 'critical', title: 'Critical path' },
  { column: 'average', title: 'Average' },
  { column: 'median', title: 'p50' },
  { column: 'p95', title: 'p95' },
  { column: 'max', title: 'Max' },
];

/** One row an operation, the largest in a column first. */
export function traceStatistics(
  tree: TraceTree,
  path: CriticalPath,
  by: StatisticsColumn = 'self',
): OperationStatistics[] {
  const groups = new Map<string, SpanNode[]>();
  for (const node of tree.inOrder) {
    if (!node.span) continue;
    const key = `${node.span.service}\u0000${node.span.name}`;
    const group = groups.get(key);
    if (group) group.push(node);
    else groups.set(key, [node]);
  }
  return [...groups.values()]
    .map((nodes) => summarise(nodes, path))
    .sort((a, b) => b[by] - a[by] || (a.operation < b.operation ? -1 : 1));
}

function summarise(nodes: readonly SpanNode[], path: CriticalPath): OperationStatistics {
  const durations = nodes.map((node) => node.duration).sort((a, b) => a - b);
  const total = sum(durations);
  return {
    service: nodes[0]?.span?.service ?? '',
    operation: nodes[0]?.span?.name ?? '',
    count: nodes.length,
    errors: nodes.filter((node) => node.isError).length,
    total,
    self: sum(nodes.map(selfTime)),
    average: total / nodes.length,
    median: quantile(durations, 0.5),
    p95: quantile(durations, 0.95),
    max: durations.at(-1) ?? 0,
    critical: sum(
      nodes.flatMap((node) => (path.sections.get(node.id) ?? []).map(({ start, end }) => end - start)),
    ),
  };
}

/** Of sorted values, by nearest rank. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(Math.ceil(q * sorted.length) - 1, 0)] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
