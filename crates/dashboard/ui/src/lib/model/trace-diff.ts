/** The difference of two traces: their trees merged where service, operation and all above agree. */

import type { SpanNode, TraceTree } from './trace-tree';

export interface DiffRow {
  key: string;
  service: string;
  operation: string;
  depth: number;
  /** Spans on the one side and on the other. */
  before: DiffSide;
  after: DiffSide;
  change: 'added' | 'removed' | 'fewer' | 'more' | 'slower' | 'faster' | 'same';
}

export interface DiffSide {
  count: number;
  errors: number;
  /** Nanoseconds, of all the row's spans together. */
  duration: number;
}

interface DiffNode extends Omit<DiffRow, 'change'> {
  children: Map<string, DiffNode>;
}

/** Times that differ by less than this part, or less than 0.1 ms, are the same to a reader. */
const TOLERANCE = 0.1;
const SMALLEST = 1e5;

export function diffTraces(before: TraceTree, after: TraceTree): DiffRow[] {
  const root = newNode('', '', '', -1);
  merge(root, before, 'before');
  merge(root, after, 'after');
  const rows: DiffRow[] = [];
  const stack = [...root.children.values()].toReversed();
  for (let node = stack.pop(); node; node = stack.pop()) {
    const { children, ...row } = node;
    rows.push({ ...row, change: changeOf(row.before, row.after) });
    stack.push(...[...children.values()].toReversed());
  }
  return rows;
}

function merge(root: DiffNode, tree: TraceTree, side: 'before' | 'after'): void {
  const places = new Map<SpanNode, DiffNode>();
  for (const node of tree.inOrder) {
    const parent = (node.parent && places.get(node.parent)) || root;
    const service = node.span?.service ?? '';
    const operation = node.span ? node.span.name || 'unnamed' : 'missing parent';
    const key = `${service}\u0000${operation}`;
    let place = parent.children.get(key);
    if (!place) {
      place = newNode(`${parent.key}\u0001${key}`, service, operation, parent.depth + 1);
      parent.children.set(key, place);
    }
    place[side].count += 1;
    place[side].errors += node.isError ? 1 : 0;
    place[side].duration += node.duration;
    places.set(node, place);
  }
}

function newNode(key: string, service: string, operation: string, depth: number): DiffNode {
  const side = (): DiffSide => ({ count: 0, errors: 0, duration: 0 });
  return { key, service, operation, depth, before: side(), after: side(), children: new Map() };
}

function changeOf(before: DiffSide, after: DiffSide): DiffRow['change'] {
  if (before.count === 0) return 'added';
  if (after.count === 0) return 'removed';
  if (after.count !== before.count) return after.count > before.count ? 'more' : 'fewer';
  const difference = after.duration - before.duration;
  const noticeable = Math.max(SMALLEST, before.duration * TOLERANCE);
  if (Math.abs(difference) < noticeable) return 'same';
  return difference > 0 ? 'slower' : 'faster';
}

/** How many rows changed, by kind. */
export function countChanges(rows: readonly DiffRow[]): Record<DiffRow['change'], number> {
  const counts = { added: 0, removed: 0, fewer: 0, more: 0, slower: 0, faster: 0, same: 0 };
  for (const { change } of rows) counts[change] += 1;
  return counts;
}
