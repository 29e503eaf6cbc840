import { expect, it } from 'vitest';
import { binTimes, lastValue, lineOf, metricSeries, perSecond, seriesName, sparkPath } from './series';

it('keeps lines apart beyond ten', () => {
  expect(lineOf(3).colour).toBe(lineOf(13).colour);
  expect(lineOf(3).dash).not.toEqual(lineOf(13).dash);
});

it('is named by what it is grouped by', () => {
  expect(seriesName({})).toBe('all');
  expect(seriesName({ route: '/cart', status: '' })).toBe('/cart, none');
  expect(metricSeries([{ labels: { a: 'x' }, values: [1, null] }])[0]).toMatchObject({
    name: 'x',
    values: [1, null],
  });
});

it('has exact times', () => {
  expect(binTimes(1_700_000_000_000_000_000n, 500_000_000n, 3)).toEqual([1.7e9, 1.7e9 + 0.5, 1.7e9 + 1]);
});

it('shows the newest value that is one', () => {
  expect(lastValue([1, 2, null])).toBe(2);
  expect(lastValue([null])).toBeNull();
});

it('turns counts into rates', () => {
  expect(perSecond([10, 0], 5_000_000_000n)).toEqual([2, 0]);
});

it('breaks the line where nothing was measured', () => {
  expect(sparkPath([0, 1, null, 1])).toBe('M0.0 98.0L33.3 2.0M100.0 2.0');
});
