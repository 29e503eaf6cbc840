/** The list of traces: its filter as it stands in the URL, and the same rule as the server's for what comes live. */

import type { TraceSummary } from '../api/types';
import type { ListKind } from './live-list';
import { parseNanos } from './time';

export interface TraceFilter {
  service: string;
  /** Part of the root span's name, case ignored. */
  name: string;
  errors: boolean;
  minDurationMs: number | null;
}

export function readTraceFilter(query: URLSearchParams): TraceFilter {
  const minDurationMs = Number(query.get('minDurationMs') ?? '');
  return {
    service: query.get('service') ?? '',
    name: query.get('name') ?? '',
    errors: query.get('errors') === 'true',
    minDurationMs: Number.isFinite(minDurationMs) && minDurationMs > 0 ? minDurationMs : null,
  };
}

export function isTraceFilterSet(filter: TraceFilter): boolean {
  return filter.service !== '' || filter.name !== '' || filter.errors || filter.minDurationMs !== null;
}

export const traceKind: ListKind<TraceSummary, TraceFilter> = {
  key: (trace) => trace.traceId,
  compare(a, b) {
    const difference = parseNanos(b.startTimeUnixNano) - parseNanos(a.startTimeUnixNano);
    if (difference !== 0n) return difference > 0n ? 1 : -1;
    return a.traceId < b.traceId ? -1 : 1;
  },
  matches(trace, filter) {
    if (filter.service !== '' && !trace.services.includes(filter.service)) return false;
    if (filter.name !== '' && !trace.rootName.toLowerCase().includes(filter.name.toLowerCase())) return false;
    if (filter.errors && trace.errorCount === 0) return false;
    return filter.minDurationMs === null || Number(trace.durationNano) >= filter.minDurationMs * 1e6;
  },
};
