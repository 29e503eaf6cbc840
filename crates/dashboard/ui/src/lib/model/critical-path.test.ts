import { expect, it } from 'vitest';
import { criticalPath } from './critical-path';
import { spanAt } from './test-data';
import { buildTraceTree } from './trace-tree';

function pathOf(...spans: ReturnType<typeof spanAt>[]) {
  const path = criticalPath(buildTraceTree({ traceId: 't', spans }));
  return Object.fromEntries(
    [...path.sections].map(([id, sections]) => [id, sections.map(({ start, end }) => [start, end])]),
  );
}

it('of one span is that span', () => {
  expect(pathOf(spanAt('a', null, 0, 100))).toEqual({ a: [[0, 100]] });
});

it('goes through children that follow one another, and through the parent between them', () => {
  expect(pathOf(spanAt('a', null, 0, 100), spanAt('b', 'a', 10, 40), spanAt('c', 'a', 50, 90))).toEqual({
    a: [
      [90, 100],
      [40, 50],
      [0, 10],
    ],
    b: [[10, 40]],
    c: [[50, 90]],
  });
});

it('leaves out a child that ran beside a longer one', () => {
  expect(pathOf(spanAt('a', null, 0, 100), spanAt('b', 'a', 10, 50), spanAt('c', 'a', 20, 90))).toEqual({
    a: [
      [90, 100],
      [0, 20],
    ],
    c: [[20, 90]],
  });
});

it('cuts a child that outlives its parent', () => {
  expect(pathOf(spanAt('a', null, 0, 100), spanAt('b', 'a', 60, 300))).toEqual({
    a: [[0, 60]],
    b: [[60, 100]],
  });
});

it('covers the root exactly once, however deep the trace', () => {
  const spans = [spanAt('0', null, 0, 10_000)];
  for (let depth = 1; depth < 5_000; depth += 1) {
    spans.push(spanAt(String(depth), String(depth - 1), depth, 10_000 - depth));
  }
  const path = criticalPath(buildTraceTree({ traceId: 't', spans }));
  const covered = [...path.sections.values()].flat().reduce((sum, { start, end }) => sum + end - start, 0);
  expect(covered).toBe(10_000);
});
