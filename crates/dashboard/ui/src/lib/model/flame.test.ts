import { expect, it } from 'vitest';
import type { FlameNode } from '../api/types';
import { flameBoxes, flameOfProfile, flameOfTrace, flameTotals, frameAt, framePath } from './flame';
import { spanAt } from './test-data';
import { buildTraceTree } from './trace-tree';

const tree = buildTraceTree({
  traceId: 't',
  spans: [
    spanAt('a', null, 0, 100, { name: 'root' }),
    spanAt('b', 'a', 10, 30, { name: 'query' }),
    spanAt('c', 'a', 40, 70, { name: 'query', status: { code: 'ERROR', message: '' } }),
    spanAt('d', 'c', 50, 60, { name: 'read' }),
  ],
});

it('merges operations with the same stack and adds up their own time', () => {
  const root = flameOfTrace(tree).children[0]!;
  expect(root).toMatchObject({ name: 'root', self: 50, total: 100, count: 1, failed: false });
  expect(root.children).toHaveLength(1);
  expect(root.children[0]).toMatchObject({ name: 'query', self: 40, total: 50, count: 2, failed: true });
});

it('draws the focus over the whole width, below what leads to it', () => {
  const query = flameOfTrace(tree).children[0]!.children[0]!;
  const boxes = flameBoxes(query, 0).map(({ frame, left, width, row }) => [frame.name, left, width, row]);
  expect(boxes).toEqual([
    ['all', 0, 1, 0],
    ['root', 0, 1, 1],
    ['query', 0, 1, 2],
    ['read', 0, 0.2, 3],
  ]);
  expect(flameBoxes(query, 0.3)).toHaveLength(3);
});

it('counts a function that calls itself once', () => {
  const node = (name: string, self: number, total: number, children: FlameNode[] = []): FlameNode => ({
    name,
    file: null,
    line: null,
    self: String(self),
    total: String(total),
    children,
  });
  const root = flameOfProfile(node('all', 0, 10, [node('f', 2, 10, [node('f', 3, 8, [node('g', 5, 5)])])]));
  expect(flameTotals(root)).toEqual([
    { name: 'f', group: '', self: 5, total: 10 },
    { name: 'g', group: '', self: 5, total: 5 },
  ]);
});

it('finds a frame again by its path', () => {
  const root = flameOfTrace(tree);
  const read = root.children[0]!.children[0]!.children[0]!;
  expect(framePath(read)).toBe('0.0.0');
  expect(frameAt(root, '0.0.0')).toBe(read);
  expect(frameAt(root, '0.7')).toBe(root);
  expect(frameAt(root, null)).toBe(root);
});
