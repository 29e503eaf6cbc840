import { expect, it } from 'vitest';
import { bucketName, heatOf, heatRows } from './heat';

it('leaves out buckets that are empty at all times', () => {
  expect(
    heatRows({
      bounds: [1, 2, 3],
      counts: [
        [0, 2, 0, 0],
        [0, 0, 7, 0],
      ],
    }),
  ).toEqual({ first: 1, end: 3, most: 7 });
  expect(heatRows({ bounds: [], counts: [] })).toEqual({ first: 0, end: 0, most: 0 });
});

it('shows one beside thousands, and nothing for none', () => {
  expect(heatOf(0, 1_000)).toBe(0);
  expect(heatOf(1, 1_000)).toBeGreaterThan(0.15);
  expect(heatOf(1_000, 1_000)).toBe(1);
});

it.each([
  [0, 'up to 1'],
  [1, '1 – 2'],
  [2, 'over 2'],
])('bucket %d is %s', (bucket, name) => {
  expect(bucketName([1, 2], bucket, String)).toBe(name);
});
