/** The part of a trace's time that is drawn, as it stands in the URL: `zoom=START-END` in nanoseconds from its start. */

import { nanos, type Nanos } from './time';
import type { Bar } from './waterfall';

export interface TimeWindow {
  start: Nanos;
  end: Nanos;
}

/** Null where nothing or nothing sensible is asked for: all of the trace is drawn then. */
export function readZoom(text: string | null, total: Nanos): TimeWindow | null {
  const match = /^(\d+)-(\d+)$/.exec(text ?? '');
  if (!match) return null;
  return zoomTo(Number(match[1]), Number(match[2]), total);
}

/** A window inside the trace; null when it is empty or all of it. */
export function zoomTo(start: number, end: number, total: Nanos): TimeWindow | null {
  const from = Math.max(Math.round(Math.min(start, end)), 0);
  const to = Math.min(Math.round(Math.max(start, end)), total);
  if (to <= from || (from === 0 && to === total)) return null;
  return { start: nanos(from), end: nanos(to) };
}

export function writeZoom(window: TimeWindow | null): string | null {
  return window && `${window.start}-${window.end}`;
}

/** A window around a span with some room on both sides. */
export function zoomAround(start: Nanos, duration: Nanos, total: Nanos): TimeWindow | null {
  const room = Math.max(duration * 0.1, 1);
  return zoomTo(start - room, start + duration + room, total);
}

/** Narrower or wider by a factor around its middle. */
export function scaleZoom(window: TimeWindow, factor: number, total: Nanos): TimeWindow | null {
  const middle = (window.start + window.end) / 2;
  const half = Math.max(((window.end - window.start) * factor) / 2, 1);
  return zoomTo(middle - half, middle + half, total);
}

/** What of a span lies inside the window, in percent of it; null when nothing does. */
export function barIn(start: number, duration: number, window: TimeWindow): Bar | null {
  const size = window.end - window.start;
  if (!(size > 0)) return { left: 0, width: 100, label: 'inside' };
  const from = Math.max(start, window.start);
  const to = Math.min(start + duration, window.end);
  if (to < from) return null;
  const left = ((from - window.start) / size) * 100;
  const width = ((to - from) / size) * 100;
  return { left, width, label: left + width <= 80 ? 'after' : left >= 20 ? 'before' : 'inside' };
}
