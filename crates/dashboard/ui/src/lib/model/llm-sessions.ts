/** The list of sessions: its filter as it stands in the URL. */

import type { LlmSession } from '../api/types';
import type { ListKind } from './live-list';
import { isInRange, readRange, resolveRange, type TimeRange } from './range';
import { parseNanos } from './time';

export interface SessionFilter {
  /** Part of the id or of the first question. */
  q: string;
  user: string;
  service: string;
  range: TimeRange;
}

export function readSessionFilter(query: URLSearchParams): SessionFilter {
  return {
    q: query.get('q') ?? '',
    user: query.get('user') ?? '',
    service: query.get('service') ?? '',
    range: readRange(query),
  };
}

export function isSessionFilterSet({ q, user, service, range }: SessionFilter): boolean {
  return [q, user, service, range.preset, range.from, range.to].some(
    (value) => value !== '' && value !== null,
  );
}

export function sessionQuery({ range, ...filter }: SessionFilter, nowMs: number) {
  return { ...filter, ...resolveRange(range, nowMs) };
}

/** The one that went on last comes first. What goes on is told by the server alone. */
export const sessionKind: ListKind<LlmSession, SessionFilter> = {
  key: (session) => `${session.kind} ${session.id}`,
  compare(a, b) {
    const later = parseNanos(b.lastNano) - parseNanos(a.lastNano);
    if (later !== 0n) return later > 0n ? 1 : -1;
    return a.id < b.id ? -1 : 1;
  },
  matches: (session, { range }) => isInRange(parseNanos(session.lastNano), { ...range, to: null }),
  decides: () => false,
};
