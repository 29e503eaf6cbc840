/** The list of log records: its filter as it stands in the URL, and the same rule for what comes live. */

import type { LogRecord } from '../api/types';
import type { ListKind } from './live-list';
import { parseNanos } from './time';

export interface LogFilter {
  service: string;
  /** Lowest severity number shown; 0 shows all, also records without one. */
  severityMin: number;
  /** Part of the body, case ignored. */
  q: string;
}

export function readLogFilter(query: URLSearchParams): LogFilter {
  const severityMin = Number(query.get('severityMin') ?? '');
  return {
    service: query.get('service') ?? '',
    severityMin: Number.isInteger(severityMin) && severityMin > 0 && severityMin <= 24 ? severityMin : 0,
    q: query.get('q') ?? '',
  };
}

export function isLogFilterSet(filter: LogFilter): boolean {
  return filter.service !== '' || filter.severityMin > 0 || filter.q !== '';
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
    return filter.q === '' || log.bodyText.toLowerCase().includes(filter.q.toLowerCase());
  },
};
