/** Which view a path stands for. Every view is a link. */

export const PLACES = [
  { view: 'live', title: 'Live' },
  { view: 'traces', title: 'Traces' },
  { view: 'logs', title: 'Logs' },
  { view: 'metrics', title: 'Metrics' },
  { view: 'services', title: 'Services' },
  { view: 'errors', title: 'Errors' },
  { view: 'llm', title: 'LLM calls' },
  { view: 'sessions', title: 'Sessions' },
  { view: 'cost', title: 'Cost' },
  { view: 'agents', title: 'Agents' },
  { view: 'profiles', title: 'Profiles' },
  { view: 'sql', title: 'SQL' },
  { view: 'destinations', title: 'Destinations' },
] as const;

export type View = (typeof PLACES)[number]['view'];
export type Route =
  | { view: View }
  | { view: 'trace'; traceId: string }
  | { view: 'call'; traceId: string; spanId: string }
  | { view: 'session'; id: string }
  | { view: 'unknown' };

/** To which place a view belongs that has none of its own. */
export function placeOf(route: Route): View | null {
  switch (route.view) {
    case 'trace':
      return 'traces';
    case 'call':
      return 'llm';
    case 'session':
      return 'sessions';
    case 'unknown':
      return null;
    default:
      return route.view;
  }
}

export function parseRoute(path: string): Route {
  const [first, second, third, ...rest] = path.split('/').filter(Boolean);
  if (first === undefined) return { view: 'traces' };
  if (first === 'traces' && second !== undefined && third === undefined) {
    return { view: 'trace', traceId: decode(second).toLowerCase() };
  }
  if (first === 'llm' && second !== undefined && third !== undefined && rest.length === 0) {
    return { view: 'call', traceId: decode(second).toLowerCase(), spanId: decode(third).toLowerCase() };
  }
  if (first === 'sessions' && second !== undefined && third === undefined) {
    return { view: 'session', id: decode(second) };
  }
  if (second !== undefined) return { view: 'unknown' };
  // What the destinations were once part of.
  if (first === 'status') return { view: 'destinations' };
  const view = PLACES.find((place) => place.view === first)?.view;
  return { view: view ?? 'unknown' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function traceLink(traceId: string, spanId?: string | null): string {
  const path = `/traces/${encodeURIComponent(traceId)}`;
  return spanId ? `${path}?span=${encodeURIComponent(spanId)}` : path;
}

/** One call of a model. */
export function callLink(traceId: string, spanId: string): string {
  return `/llm/${encodeURIComponent(traceId)}/${encodeURIComponent(spanId)}`;
}

/** One session, turn by turn; with a call of it, at that turn. */
export function sessionLink(id: string, spanId?: string): string {
  const path = `/sessions/${encodeURIComponent(id)}`;
  return spanId ? `${path}?turn=${encodeURIComponent(spanId)}` : path;
}

/** A list's page with filters; those that are empty stay out. */
export function listLink(view: View, filters: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(filters)) if (value) search.set(key, value);
  const text = search.toString();
  return text === '' ? `/${view}` : `/${view}?${text}`;
}
