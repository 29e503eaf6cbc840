import { expect, it } from 'vitest';
import { formatBytes, formatCompact, formatValue, plural } from './number';

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [150 * 1024 * 1024, '150 MiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0, '0'],
  [42, '42'],
  [1234567, '1,234,567'],
  [0.123456, '0.1235'],
  [1234.5678, '1,234.57'],
  [1e-7, '1.00e-7'],
  [3e15, '3.00e+15'],
  [Number.NaN, 'NaN'],
])('the value %d is %s', (value, text) => {
  expect(formatValue(value)).toBe(text);
});

it('counts nouns', () => {
  expect(plural(1, 'span')).toBe('1 span');
  expect(plural(1200, 'span')).toBe('1,200 spans');
  expect(formatCompact(12_345)).toBe('12.3K');
});
