/** Traces and log records in one list, newest first. */

import type { LogRecord, TraceSummary } from '../api/types';
import type { ListKind } from './live-list';
import { logKey, logTime } from './logs';
import { traceTitle } from './span-title';
import { parseNanos } from './time';

export type LiveItem =
  | { signal: 'trace'; trace: TraceSummary; time: bigint; key: string }
  | { signal: 'log'; log: LogRecord; time: bigint; key: string };

export interface LiveFilter {
  /** Both, or one signal alone. */
  signal: '' | 'trace' | 'log';
  service: string;
  /** Part of a trace's title or a log record's body, case ignored. */
  q: string;
  errors: boolean;
}

export const ERROR_SEVERITY = 17;

export function readLiveFilter(query: URLSearchParams): LiveFilter {
  const signal = query.get('signal');
  return {
    signal: signal === 'trace' || signal === 'log' ? signal : '',
    service: query.get('service') ?? '',
    q: query.get('q') ?? '',
    errors: query.get('errors') === 'true',
  };
}

export function isLiveFilterSet(filter: LiveFilter): boolean {
  return filter.signal !== '' || filter.service !== '' || filter.q !== '' || filter.errors;
}

export function liveTrace(trace: TraceSummary): LiveItem {
  return { signal: 'trace', trace, time: parseNanos(trace.startTimeUnixNano), key: `t${trace.traceId}` };
}

export function liveLog(log: LogRecord): LiveItem {
  return { signal: 'log', log, time: logTime(log), key: `l${logKey(log)}` };
}

export const liveKind: ListKind<LiveItem, LiveFilter> = {
  key: (item) => item.key,
  compare(a, b) {
    if (a.time !== b.time) return b.time > a.time ? 1 : -1;
    return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  },
  matches(item, filter) {
    if (filter.signal !== '' && item.signal !== filter.signal) return false;
    const text = item.signal === 'trace' ? traceTitle(item.trace) : item.log.bodyText;
    if (filter.q !== '' && !text.toLowerCase().includes(filter.q.toLowerCase())) return false;
    if (item.signal === 'log') {
      if (filter.service !== '' && item.log.service !== filter.service) return false;
      return !filter.errors || item.log.severityNumber >= ERROR_SEVERITY;
    }
    if (filter.service !== '' && !item.trace.services.includes(filter.service)) return false;
    return !filter.errors || item.trace.errorCount > 0;
  },
};
