/** The list of log records: its filter as it stands in the URL, and the same rule for what comes live. */

import type { LogQuery } from '../api/client';
import type { LogRecord } from '../api/types';
import { holdsAttributes, isAttributeFilter } from './attribute-filter';
import type { ListKind } from './live-list';
import { ANY_TIME, isInRange, readRange, resolveRange, type TimeRange } from './range';
import { parseNanos } from './time';

export interface LogFilter {
  service: string;
  /** Lowest severity number shown; 0 shows all, also records without one. */
  severityMin: number;
  /** Part of the body, case ignored. */
  q: string;
  traceId: string;
  /** `key=value`, all of which hold. */
  attr: readonly string[];
  range: TimeRange;
}

export const NO_LOG_FILTER: LogFilter = {
  service: '',
  severityMin: 0,
  q: '',
  traceId: '',
  attr: [],
  range: ANY_TIME,
};

export function readLogFilter(query: URLSearchParams): LogFilter {
  const severityMin = Number(query.get('severityMin') ?? '');
  return {
    service: query.get('service') ?? '',
    severityMin: Number.isInteger(severityMin) && severityMin > 0 && severityMin <= 24 ? severityMin : 0,
    q: query.get('q') ?? '',
    traceId: query.get('traceId') ?? '',
    attr: query.getAll('attr').filter(isAttributeFilter),
    range: readRange(query),
  };
}

export function isLogFilterSet(filter: LogFilter): boolean {
  return JSON.stringify(filter) !== JSON.stringify(NO_LOG_FILTER);
}

/** What to ask the server for. */
export function logQuery({ range, ...filter }: LogFilter, nowMs: number): LogQuery {
  return { ...filter, ...resolveRange(range, nowMs) };
}

/** When it happened or, where the source did not say, when it was seen. */
export function logTime(log: LogRecord): bigint {
  return parseNanos(log.timeUnixNano) || parseNanos(log.observedTimeUnixNano);
}

/** Log records have no id; two that agree in all of this tell a reader the same. */
export function logKey(log: LogRecord): string {
  return [
    log.timeUnixNano,
    log.observedTimeUnixNano,
    log.service,
    log.severityNumber,
    log.spanId ?? log.traceId ?? '',
    log.bodyText,
  ].join('\u0000');
}

export const logKind: ListKind<LogRecord, LogFilter> = {
  key: logKey,
  compare(a, b) {
    const difference = logTime(b) - logTime(a);
    return difference === 0n ? 0 : difference > 0n ? 1 : -1;
  },
  matches(log, filter) {
    if (filter.service !== '' && log.service !== filter.service) return false;
    if (log.severityNumber < filter.severityMin) return false;
    if (filter.traceId !== '' && log.traceId !== filter.traceId) return false;
    if (!isInRange(logTime(log), filter.range)) return false;
    if (!holdsAttributes(filter.attr, log.attributes, log.resource.attributes)) return false;
    return filter.q === '' || log.bodyText.toLowerCase().includes(filter.q.toLowerCase());
  },
};
