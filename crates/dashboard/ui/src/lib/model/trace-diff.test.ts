import { expect, it } from 'vitest';
import { spanAt } from './test-data';
import { countChanges, diffTraces } from './trace-diff';
import { buildTraceTree } from './trace-tree';

const MS = 1e6;
const tree = (...spans: ReturnType<typeof spanAt>[]) => buildTraceTree({ traceId: 't', spans });

const before = tree(
  spanAt('a', null, 0, 100 * MS, { name: 'root' }),
  spanAt('b', 'a', 0, 10 * MS, { name: 'query' }),
  spanAt('c', 'a', 20 * MS, 30 * MS, { name: 'cache' }),
);
const after = tree(
  spanAt('1', null, 0, 200 * MS, { name: 'root' }),
  spanAt('2', '1', 0, 10 * MS, { name: 'query' }),
  spanAt('3', '1', 20 * MS, 30 * MS, { name: 'query' }),
  spanAt('4', '1', 40 * MS, 50 * MS, { name: 'retry' }),
);

it('marks what is new, gone, more and slower, in one tree', () => {
  const rows = diffTraces(before, after).map(({ operation, depth, change }) => [operation, depth, change]);
  expect(rows).toEqual([
    ['root', 0, 'slower'],
    ['query', 1, 'more'],
    ['cache', 1, 'removed'],
    ['retry', 1, 'added'],
  ]);
});

it('of a trace with itself is nothing', () => {
  const rows = diffTraces(before, before);
  expect(countChanges(rows)).toMatchObject({ same: 3, added: 0, removed: 0, slower: 0 });
});
