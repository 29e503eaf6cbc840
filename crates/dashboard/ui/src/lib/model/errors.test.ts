import { expect, it } from 'vitest';
import type { ErrorGroup } from '../api/types';
import { findErrors, groupBars } from './errors';

const group = (id: string, more: Partial<ErrorGroup> = {}): ErrorGroup => ({
  id,
  type: 'TimeoutError',
  place: 'pay.py:12',
  message: 'no answer',
  service: 'shop',
  count: 1,
  firstNano: '0',
  lastNano: '0',
  counts: [],
  exampleTraceIds: [],
  stepNano: '10',
  ...more,
});

it('has the most frequent first, and is found by any of its words', () => {
  const groups = [group('a'), group('b', { count: 9 }), group('c', { type: 'ValueError' })];
  expect(findErrors(groups, '').map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  expect(findErrors(groups, 'value PAY').map(({ id }) => id)).toEqual(['c']);
});

it('places its bars so that the last one holds the last occurrence', () => {
  const bars = groupBars(group('a', { lastNano: '57', counts: [1, 0, 2, 0] }));
  expect(bars.start).toBe(30n);
  expect(bars.layers[0]?.values).toEqual([1, 0, 2, 0]);
});
