/** Which view a path stands for. Every view is a link. */

export const PLACES = [
  { view: 'live', title: 'Live' },
  { view: 'traces', title: 'Traces' },
  { view: 'logs', title: 'Logs' },
  { view: 'metrics', title: 'Metrics' },
  { view: 'services', title: 'Services' },
  { view: 'errors', title: 'Errors' },
  { view: 'profiles', title: 'Profiles' },
  { view: 'sql', title: 'SQL' },
  { view: 'destinations', title: 'Destinations' },
] as const;

export type View = (typeof PLACES)[number]['view'];
export type Route = { view: View } | { view: 'trace'; traceId: string } | { view: 'unknown' };

export function parseRoute(path: string): Route {
  const [first, second, ...rest] = path.split('/').filter(Boolean);
  if (first === undefined) return { view: 'traces' };
  if (first === 'traces' && second !== undefined && rest.length === 0) {
    return { view: 'trace', traceId: decode(second).toLowerCase() };
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

/** A list's page with filters; those that are empty stay out. */
export function listLink(view: View, filters: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(filters)) if (value) search.set(key, value);
  const text = search.toString();
  return text === '' ? `/${view}` : `/${view}?${text}`;
}
