/** The list of traces: its filter as it stands in the URL, and the same rule as the server's for what comes live. */

import type { TraceQuery } from '../api/client';
import type { TraceSummary } from '../api/types';
import { isAttributeFilter } from './attribute-filter';
import type { ListKind } from './live-list';
import { ANY_TIME, isInRange, readRange, resolveRange, type TimeRange } from './range';
import { parseNanos } from './time';

export interface TraceFilter {
  service: string;
  operation: string;
  /** Part of a span's name, case ignored. */
  name: string;
  /** Words anywhere in the trace. */
  q: string;
  errors: boolean;
  minDurationMs: number | null;
  maxDurationMs: number | null;
  /** `key=value`, all of which hold. */
  attr: readonly string[];
  range: TimeRange;
}

export const NO_TRACE_FILTER: TraceFilter = {
  service: '',
  operation: '',
  name: '',
  q: '',
  errors: false,
  minDurationMs: null,
  maxDurationMs: null,
  attr: [],
  range: ANY_TIME,
};

export function readTraceFilter(query: URLSearchParams): TraceFilter {
  return {
    service: query.get('service') ?? '',
    operation: query.get('operation') ?? '',
    name: query.get('name') ?? '',
    q: query.get('q') ?? '',
    errors: query.get('errors') === 'true',
    minDurationMs: readDuration(query.get('minDurationMs')),
    maxDurationMs: readDuration(query.get('maxDurationMs')),
    attr: query.getAll('attr').filter(isAttributeFilter),
    range: readRange(query),
  };
}

function readDuration(text: string | null): number | null {
  const duration = Number(text ?? '');
  return Number.isFinite(duration) && duration > 0 ? duration : null;
}

export function isTraceFilterSet(filter: TraceFilter): boolean {
  return JSON.stringify(filter) !== JSON.stringify(NO_TRACE_FILTER);
}

/** What to ask the server for. */
export function traceQuery({ range, ...filter }: TraceFilter, nowMs: number): TraceQuery {
  return { ...filter, ...resolveRange(range, nowMs) };
}

export const traceKind: ListKind<TraceSummary, TraceFilter> = {
  key: (trace) => trace.traceId,
  // Traces that start at once stay in the server's order, which its cursors follow.
  compare(a, b) {
    const difference = parseNanos(b.startTimeUnixNano) - parseNanos(a.startTimeUnixNano);
    return difference === 0n ? 0 : difference > 0n ? 1 : -1;
  },
  // What a summary does not tell is left to the server (see `decides`).
  matches(trace, filter) {
    if (filter.service !== '' && !trace.services.includes(filter.service)) return false;
    if (filter.errors && trace.errorCount === 0) return false;
    const duration = Number(trace.durationNano);
    if (filter.minDurationMs !== null && duration < filter.minDurationMs * 1e6) return false;
    if (filter.maxDurationMs !== null && duration > filter.maxDurationMs * 1e6) return false;
    return isInRange(parseNanos(trace.startTimeUnixNano), filter.range);
  },
  decides: ({ name, operation, q, attr }) => name === '' && operation === '' && q === '' && attr.length === 0,
};
