import { expect, it } from 'vitest';
import { criticalPath } from './critical-path';
import { selfTime } from './self-time';
import { quantile, traceStatistics } from './statistics';
import { spanAt } from './test-data';
import { buildTraceTree } from './trace-tree';

const tree = buildTraceTree({
  traceId: 't',
  spans: [
    spanAt('a', null, 0, 100, { name: 'root' }),
    spanAt('b', 'a', 10, 40, { name: 'query' }),
    spanAt('c', 'a', 30, 60, { name: 'query', status: { code: 'ERROR', message: '' } }),
    spanAt('d', 'a', 90, 150, { name: 'late' }),
  ],
});

it('counts the self time of overlapping and outliving children once', () => {
  expect(selfTime(tree.inOrder[0]!)).toBe(40);
});

it('sums up each operation', () => {
  const rows = traceStatistics(tree, criticalPath(tree), 'count');
  expect(rows.map(({ operation }) => operation)).toEqual(['query', 'late', 'root']);
  expect(rows[0]).toMatchObject({
    count: 2,
    errors: 1,
    total: 60,
    self: 60,
    average: 30,
    median: 30,
    max: 30,
  });
  expect(rows[0]?.critical).toBe(30);
});

it('takes quantiles by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  expect(quantile(values, 0.5)).toBe(50);
  expect(quantile(values, 0.95)).toBe(95);
  expect(quantile([], 0.5)).toBe(0);
});
