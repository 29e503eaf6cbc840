import { describe, expect, it } from 'vitest';
import { span } from './test-data';
import { nanos } from './time';
import { buildTraceTree } from './trace-tree';
import { indentOf, logBar, rulerTimes, visibleRows } from './waterfall';

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

describe('rulerTimes', () => {
  it.each([
    [100, 5, [20, 40, 60, 80]],
    [730, 5, [200, 400, 600]],
    [1, 4, [0.5]],
    [0, 4, []],
  ])('%d in at most %d parts', (total, count, times) => {
    expect(rulerTimes({ start: nanos(0), end: nanos(total) }, count)).toEqual(times);
  });

  it('of a part of the trace are round as well', () => {
    expect(rulerTimes({ start: nanos(130), end: nanos(330) }, 4)).toEqual([150, 200, 250, 300]);
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
