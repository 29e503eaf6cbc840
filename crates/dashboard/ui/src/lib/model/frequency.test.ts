import { expect, it } from 'vitest';
import { formatFrequency } from './frequency';

it.each([
  [750, 60, '12.5/s'],
  [60, 60, '1/s'],
  [3, 60, '3/min'],
  [1, 3_600, '1/h'],
  [1, 86_400 * 4, '0.25/d'],
  [0, 60, '0/s'],
  [5, 0, '0/s'],
])('%d in %d s is %s', (count, seconds, text) => {
  expect(formatFrequency(count, seconds)).toBe(text);
});
