/** Values of profiles in their unit. */

import { formatBytes, formatCount } from './number';
import { formatDuration } from './time';

const NANOS: Record<string, number> = {
  nanoseconds: 1,
  ns: 1,
  microseconds: 1e3,
  us: 1e3,
  milliseconds: 1e6,
  ms: 1e6,
  seconds: 1e9,
  s: 1e9,
};

export function formatProfileValue(value: number, unit: string): string {
  const nanos = NANOS[unit];
  if (nanos !== undefined) return formatDuration(value * nanos);
  if (unit === 'bytes' || unit === 'By') return formatBytes(value);
  return unit === '' || unit === 'count' ? formatCount(value) : `${formatCount(value)} ${unit}`;
}
