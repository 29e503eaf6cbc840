import { expect, it } from 'vitest';
import type { Rate } from '../api/types';
import { barRects, barSpan, liveBars, logBars, totals, traceBars } from './rate';

const rate = (...bins: Rate['bins']): Rate => ({ startNano: '1000', stepNano: '10', bins });

it('stacks failed traces on the others', () => {
  const bars = traceBars(rate({ count: 4, errors: 1 }, { count: 0, errors: 0 }));
  expect(bars.layers.map(({ values }) => values)).toEqual([
    [3, 0],
    [1, 0],
  ]);
  expect(totals(bars)).toEqual([4, 0]);
  expect(barRects(bars)).toEqual([
    { index: 0, layer: 0, top: 25, height: 75 },
    { index: 0, layer: 1, top: 0, height: 25 },
  ]);
});

it('tells log records without a severity apart, and leaves out levels that do not occur', () => {
  const bars = logBars(rate({ count: 5, errors: 1, severities: [0, 0, 3, 0, 1, 0] }));
  expect(bars.layers.map(({ name, values }) => [name, values])).toEqual([
    ['unset', [1]],
    ['info', [3]],
    ['error', [1]],
  ]);
});

it('adds the errors of both signals', () => {
  const bars = liveBars(rate({ count: 2, errors: 1 }), rate({ count: 7, errors: 2 }));
  expect(bars.layers.map(({ values }) => values[0])).toEqual([1, 5, 3]);
});

it('shows one among thousands', () => {
  const rects = barRects(traceBars(rate({ count: 10_000, errors: 1 })));
  expect(rects[1]?.height).toBe(2);
});

it('turns bars back into time', () => {
  expect(barSpan(traceBars(rate()), 3, 1)).toEqual({ from: 1010n, to: 1040n });
});
