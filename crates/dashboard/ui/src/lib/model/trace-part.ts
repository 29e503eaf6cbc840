/** The parts of the page of one trace, as the URL names them: `view=flame`. */

export type TracePart = 'waterfall' | 'flame' | 'statistics' | 'logs' | 'compare';

export const TRACE_PARTS: readonly { part: TracePart; title: string }[] = [
  { part: 'waterfall', title: 'Waterfall' },
  { part: 'flame', title: 'Flame graph' },
  { part: 'statistics', title: 'Statistics' },
  { part: 'logs', title: 'Logs' },
  { part: 'compare', title: 'Compare' },
];

export function readTracePart(query: URLSearchParams): TracePart {
  return TRACE_PARTS.find(({ part }) => part === query.get('view'))?.part ?? 'waterfall';
}
