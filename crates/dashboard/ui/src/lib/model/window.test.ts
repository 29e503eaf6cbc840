import { expect, it } from 'vitest';
import { rowWindow, scrollToRow } from './window';

it.each([
  [0, 100, 10, 1000, { first: 0, end: 12 }],
  [505, 100, 10, 1000, { first: 48, end: 63 }],
  [9_990, 100, 10, 1000, { first: 997, end: 1000 }],
  [0, 100, 10, 0, { first: 0, end: 0 }],
  [5_000, 100, 10, 3, { first: 3, end: 3 }],
])('at %d in %d px, rows of %d px out of %d', (top, view, height, count, expected) => {
  expect(rowWindow(top, view, height, count, 2)).toEqual(expected);
});

it('scrolls only as far as needed', () => {
  expect(scrollToRow(5, 0, 100, 10)).toBe(0);
  expect(scrollToRow(10, 0, 100, 10)).toBe(10);
  expect(scrollToRow(2, 50, 100, 10)).toBe(20);
});
