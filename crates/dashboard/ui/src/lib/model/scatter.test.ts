import { expect, it } from 'vitest';
import { nearestPoint, scatter } from './scatter';
import { summary } from './test-data';

const traces = [
  summary('a', 1_000, { durationNano: '1000000' }),
  summary('b', 2_000, { durationNano: '10000000' }),
  summary('c', 3_000, { durationNano: '100000000' }),
];

it('lies by time and by the logarithm of the duration', () => {
  const { points, marks } = scatter(traces);
  expect(points.map(({ x }) => x)).toEqual([0, 0.5, 1]);
  expect(points.map(({ y }) => y.toFixed(2))).toEqual(['0.92', '0.50', '0.08']);
  expect(marks.map(({ duration }) => duration)).toEqual([1e6, 1e7, 1e8]);
});

it('of nothing and of one trace is drawn too', () => {
  expect(scatter([])).toMatchObject({ points: [], marks: [] });
  expect(scatter(traces.slice(0, 1)).points[0]).toMatchObject({ x: 0.5 });
});

it('finds the point under the pointer', () => {
  const { points } = scatter(traces);
  const size = { width: 100, height: 100 };
  expect(nearestPoint(points, { x: 52, y: 48 }, size)?.trace.traceId).toBe('b');
  expect(nearestPoint(points, { x: 30, y: 20 }, size)).toBeNull();
});
