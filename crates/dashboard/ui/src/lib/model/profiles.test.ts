import { expect, it } from 'vitest';
import { formatProfileValue } from './profiles';

it.each([
  [1_500_000, 'nanoseconds', '1.5ms'],
  [20, 'ms', '20ms'],
  [2_048, 'bytes', '2.0 KiB'],
  [1_200, 'count', '1,200'],
  [3, 'locks', '3 locks'],
])('%d %s is %s', (value, unit, text) => {
  expect(formatProfileValue(value, unit)).toBe(text);
});
