/**
 * Time stamps and durations.
 *
 * Time stamps are nanoseconds since 1970 as `bigint`, since a number cannot hold them. Differences are plain numbers of
 * nanoseconds ({@link Nanos}): exact up to 104 days, which no drawing needs to beat.
 */

declare const nanosBrand: unique symbol;

/** A duration or an offset in nanoseconds. */
export type Nanos = number & { readonly [nanosBrand]: true };

export const nanos = (value: number): Nanos => value as Nanos;

/** Reads a decimal string. Text that is no number is 0, which everywhere means "not known". */
export function parseNanos(text: string | null | undefined): bigint {
  return text && /^-?\d+$/.test(text) ? BigInt(text) : 0n;
}

export function nanosBetween(from: bigint, to: bigint): Nanos {
  return nanos(Number(to - from));
}

const UNITS: readonly [name: string, size: number][] = [
  ['ns', 1],
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
];

const MINUTE = 60e9;

/** Three significant digits with the unit that suits: `850ns`, `12.3ms`, `1.23s`, `2m 03s`, `3h 05m`, `2d 4h`. */
export function formatDuration(duration: number): string {
  if (!Number.isFinite(duration) || duration === 0) return '0';
  if (duration < 0) return `-${formatDuration(-duration)}`;
  const seconds = Math.round(duration / 1e9);
  if (duration >= MINUTE - 5e6) return formatLong(seconds);
  for (const [name, size] of UNITS) {
    const rounded = significant(duration / size);
    if (Number(rounded) < 1000) return rounded + name;
  }
  return formatLong(seconds);
}

function formatLong(seconds: number): string {
  const pad = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** At most three significant digits, without trailing zeros and without an exponent. */
function significant(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

/** Reads what a person types as a duration: `250`, `250ms`, `1.5 s`, `2m`. Milliseconds, or null when it is none. */
export function parseDurationMs(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h)?\s*$/i.exec(text);
  if (!match) return null;
  const factor = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 }[
    (match[2] ?? 'ms').toLowerCase()
  ];
  return factor === undefined ? null : Number(match[1]) * factor;
}

/** How long ago, in one unit: `now`, `12s`, `4m`, `3h`, `9d`. A time ahead of this clock by more than 2 s is `in 5s`. */
export function formatAge(time: bigint, nowMs: number): string {
  const ageMs = nowMs - Number(time / 1_000_000n);
  if (ageMs < -2_000) return `in ${inOneUnit(-ageMs)}`;
  return ageMs < 1_000 ? 'now' : inOneUnit(ageMs);
}

function inOneUnit(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** The time of day in the reader's zone, with milliseconds: `14:03:09.120`. */
export function formatClock(time: bigint): string {
  const { date, fraction } = split(time);
  return `${clock(date)}.${fraction.slice(0, 3)}`;
}

/** Date and time of day in the reader's zone, to the second: `2026-08-01 14:03:09`. */
export function formatDateTime(time: bigint): string {
  const { date } = split(time);
  return `${day(date)} ${clock(date)}`;
}

/** ISO 8601 in the reader's zone with every digit that the source gave: `2026-08-01T14:03:09.120000456+02:00`. */
export function formatIso(time: bigint): string {
  const { date, fraction } = split(time);
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${day(date)}T${clock(date)}.${fraction}${zone}`;
}

const two = (value: number) => String(value).padStart(2, '0');
const day = (date: Date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const clock = (date: Date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

function split(time: bigint): { date: Date; fraction: string } {
  const fraction = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return {
    date: new Date(Number((time - fraction) / 1_000_000n)),
    fraction: String(fraction).padStart(9, '0'),
  };
}
