import { describe, expect, it } from 'vitest';
import { span } from './test-data';
import { nanos } from './time';
import { buildTraceTree } from './trace-tree';
import { barOf, indentOf, logBar, rulerTimes, visibleRows } from './waterfall';

describe('visibleRows', () => {
  const tree = buildTraceTree({
    traceId: 't',
    spans: [span('a', null), span('b', 'a'), span('c', 'b'), span('d', 'c'), span('e', 'a')],
  });
  const ids = (collapsed: string[], only: string[] | null = null) =>
    visibleRows(tree, new Set(collapsed), only && new Set(only)).map((node) => node.id);

  it('shows everything when nothing is collapsed', () => {
    expect(ids([])).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('hides what is below a collapsed row, at any depth, and nothing beside it', () => {
    expect(ids(['b'])).toEqual(['a', 'b', 'e']);
    expect(ids(['b', 'c'])).toEqual(['a', 'b', 'e']);
    expect(ids(['a'])).toEqual(['a']);
  });

  it('leaves out what was not asked for', () => {
    expect(ids([], ['a', 'e'])).toEqual(['a', 'e']);
  });
});

describe('barOf', () => {
  it.each([
    [0, 50, { left: 0, width: 50, label: 'after' }],
    [90, 10, { left: 90, width: 10, label: 'before' }],
    [5, 95, { left: 5, width: 95, label: 'inside' }],
    [80, 500, { left: 80, width: 20, label: 'before' }],
    [-10, 20, { left: 0, width: 20, label: 'after' }],
  ])('%d + %d of 100 lies at %j', (start, duration, bar) => {
    expect(barOf(nanos(start), nanos(duration), nanos(100))).toEqual(bar);
  });

  it('of a trace without duration fills the row', () => {
    expect(barOf(nanos(0), nanos(0), nanos(0))).toEqual({ left: 0, width: 100, label: 'inside' });
  });
});

describe('rulerTimes', () => {
  it.each([
    [100, 5, [20, 40, 60, 80]],
    [730, 5, [200, 400, 600]],
    [1, 4, [0.5]],
    [0, 4, []],
  ])('%d in at most %d parts', (total, count, times) => {
    expect(rulerTimes(nanos(total), count)).toEqual(times);
  });
});

it('indents ever deeper, to a limit', () => {
  expect(indentOf(1)).toBeLessThan(indentOf(2));
  expect(indentOf(12)).toBeLessThan(indentOf(13));
  expect(indentOf(10_000)).toBe(indentOf(5_000));
});

it('draws durations on a fixed logarithmic scale', () => {
  expect(logBar(0)).toBe(0);
  expect(logBar(1)).toBe(2);
  expect(logBar(1e11)).toBe(100);
  expect(logBar(10e6) - logBar(1e6)).toBeCloseTo(logBar(1e9) - logBar(100e6));
});
