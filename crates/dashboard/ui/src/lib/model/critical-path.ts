/**
 * The critical path: which span the whole trace waited for, at each moment.
 *
 * Read backwards from the end of the root: the child that ended last before that moment held it up, and so on inside that
 * child; between children the span itself was at work. Children that outlive their parent are cut at its end, since
 * nobody waited for the rest.
 */

import { nanos, type Nanos } from './time';
import type { SpanNode, TraceTree } from './trace-tree';

export interface Section {
  start: Nanos;
  end: Nanos;
}

export interface CriticalPath {
  /** Sections of each span on the path, latest first. */
  sections: ReadonlyMap<string, readonly Section[]>;
  /** From the start of the earliest section to the end of the latest. */
  duration: Nanos;
}

/** A span being walked: its children by end, latest first, and how far back the path has come. */
interface Step {
  node: SpanNode;
  children: SpanNode[];
  next: number;
  cursor: number;
}

export function criticalPath(tree: TraceTree): CriticalPath {
  const sections = new Map<string, Section[]>();
  const root = tree.roots.reduce<SpanNode | null>(
    (longest, node) => (longest === null || node.duration > longest.duration ? node : longest),
    null,
  );
  if (!root) return { sections, duration: nanos(0) };
  const stack = [enter(root, endOf(root))];
  for (let step = stack.at(-1); step; step = stack.at(-1)) {
    const child = nextChild(step);
    if (child) {
      const end = Math.min(endOf(child), endOf(step.node));
      add(sections, step.node, end, step.cursor);
      step.cursor = child.start;
      stack.push(enter(child, end));
    } else {
      add(sections, step.node, step.node.start, step.cursor);
      stack.pop();
    }
  }
  return { sections, duration: root.duration };
}

function enter(node: SpanNode, cursor: number): Step {
  const end = Math.min(endOf(node), cursor);
  const children = node.children
    .filter((child) => child.duration > 0 && child.start < end)
    .sort((a, b) => Math.min(endOf(b), end) - Math.min(endOf(a), end) || b.start - a.start);
  return { node, children, next: 0, cursor };
}

/** The child that ended last before the path's present place; those that ran beside it held nothing up. */
function nextChild(step: Step): SpanNode | null {
  for (let child = step.children[step.next]; child; child = step.children[step.next]) {
    step.next += 1;
    if (Math.min(endOf(child), endOf(step.node)) <= step.cursor && child.start >= step.node.start)
      return child;
  }
  return null;
}

function add(sections: Map<string, Section[]>, node: SpanNode, start: number, end: number): void {
  if (end <= start) return;
  const section = { start: nanos(start), end: nanos(end) };
  const known = sections.get(node.id);
  if (known) known.push(section);
  else sections.set(node.id, [section]);
}

function endOf(node: SpanNode): number {
  return node.start + node.duration;
}
