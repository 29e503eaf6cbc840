/** Which view a path stands for. Every view is a link. */

export type Route =
  | { view: 'traces' }
  | { view: 'trace'; traceId: string }
  | { view: 'logs' }
  | { view: 'metrics' }
  | { view: 'status' }
  | { view: 'unknown' };

export function parseRoute(path: string): Route {
  const [first, second, ...rest] = path.split('/').filter(Boolean);
  if (rest.length > 0) return { view: 'unknown' };
  if (second !== undefined) {
    return first === 'traces'
      ? { view: 'trace', traceId: decode(second).toLowerCase() }
      : { view: 'unknown' };
  }
  switch (first) {
    case undefined:
    case 'traces':
      return { view: 'traces' };
    case 'logs':
    case 'metrics':
    case 'status':
      return { view: first };
    default:
      return { view: 'unknown' };
  }
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
