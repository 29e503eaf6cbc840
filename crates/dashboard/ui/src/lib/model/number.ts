/** Counts, sizes and measured values as short text. */

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** Exact with separators: `12,345`. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** Short: `12.3K`. */
export function formatCompact(count: number): string {
  return count < 10_000 ? COUNT.format(count) : COMPACT.format(count);
}

/** A noun with its count: `1 span`, `3 spans`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** A measured value with up to four significant digits; very large and very small ones in scientific notation. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && size < 1e12) return COUNT.format(value);
  if (size >= 1e12 || size < 1e-4) return value.toExponential(2);
  return value.toLocaleString('en', { maximumSignificantDigits: size >= 1_000 ? 6 : 4 });
}
