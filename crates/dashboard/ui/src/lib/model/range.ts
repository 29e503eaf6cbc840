/** The time that a view shows, as it stands in the URL: `range=15m`, or `from` and `to` in nanoseconds since 1970. */

import { formatClock, formatDateTime } from './time';

export interface TimeRange {
  /** A length that ends now; null shows everything, or what `from` and `to` say. */
  preset: string | null;
  from: string | null;
  to: string | null;
}

export const PRESETS: readonly { preset: string; title: string; minutes: number }[] = [
  { preset: '5m', title: 'Last 5 minutes', minutes: 5 },
  { preset: '15m', title: 'Last 15 minutes', minutes: 15 },
  { preset: '1h', title: 'Last hour', minutes: 60 },
  { preset: '6h', title: 'Last 6 hours', minutes: 360 },
  { preset: '24h', title: 'Last 24 hours', minutes: 1_440 },
  { preset: '7d', title: 'Last 7 days', minutes: 10_080 },
];

export const ANY_TIME: TimeRange = { preset: null, from: null, to: null };

/** What the URL asks for; where it asks for nothing, the view's own default. */
export function readRange(query: URLSearchParams, preset: string | null = null): TimeRange {
  const from = readNanos(query.get('from'));
  const to = readNanos(query.get('to'));
  if (from !== null || to !== null) return { preset: null, from, to };
  const asked = query.get('range');
  if (asked === 'all') return ANY_TIME;
  return { ...ANY_TIME, preset: PRESETS.some((one) => one.preset === asked) ? asked : preset };
}

/** Changes of the URL that choose a preset, or `all`. */
export function presetQuery(preset: string): Record<string, string | null> {
  return { range: preset, from: null, to: null };
}

/** Changes of the URL that choose a span of time. */
export function spanQuery(from: bigint, to: bigint): Record<string, string | null> {
  return { range: null, from: String(from), to: String(to) };
}

/** The bounds to ask the server for. */
export function resolveRange(range: TimeRange, nowMs: number): { from: string | null; to: string | null } {
  const known = PRESETS.find(({ preset }) => preset === range.preset);
  if (!known) return { from: range.from, to: range.to };
  return { from: String(BigInt(Math.round(nowMs - known.minutes * 60_000)) * 1_000_000n), to: null };
}

/** The same with both ends given, for charts, which must know what they show. */
export function chartRange(range: TimeRange, nowMs: number): { from: string; to: string } {
  const { from, to } = resolveRange(range, nowMs);
  const end = to ?? String(BigInt(Math.round(nowMs)) * 1_000_000n);
  return { from: from ?? String(BigInt(end) - 86_400_000_000_000n), to: end };
}

export function isInRange(time: bigint, range: TimeRange): boolean {
  if (range.from !== null && time < BigInt(range.from)) return false;
  return range.to === null || time < BigInt(range.to);
}

/** Bounds in words: `14:03:09 – 14:05:00`, with the day where it is not today. */
export function describeSpan(range: TimeRange, nowMs: number): string {
  const today = formatDateTime(BigInt(Math.round(nowMs)) * 1_000_000n).slice(0, 10);
  const text = (nanos: string | null, open: string) => {
    if (nanos === null) return open;
    const date = formatDateTime(BigInt(nanos));
    return date.startsWith(today) ? formatClock(BigInt(nanos)).slice(0, 8) : date;
  };
  return `${text(range.from, 'the start')} – ${text(range.to, 'now')}`;
}

function readNanos(text: string | null): string | null {
  return text !== null && /^\d{1,20}$/.test(text) ? text : null;
}
