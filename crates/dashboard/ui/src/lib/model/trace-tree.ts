/**
 * The tree of one trace.
 *
 * Spans come in any order, late, with parents that never arrived, with clocks that disagree, and from strangers: a parent
 * may be missing (it then stands in the tree as a placeholder that gathers its children) and parents may even form a
 * ring (which is cut). Nothing here recurses, so depth is no danger.
 */

import type { Span, Trace } from '../api/types';
import { nanos, nanosBetween, parseNanos, type Nanos } from './time';

export interface SpanNode {
  id: string;
  /** Null for a parent that is named by its children but has not arrived. */
  span: Span | null;
  parent: SpanNode | null;
  /** In order of start. */
  children: SpanNode[];
  depth: number;
  /** From the start of the trace. */
  start: Nanos;
  duration: Nanos;
  isError: boolean;
  /** Of all nodes below this one. */
  descendants: number;
  errorsBelow: number;
}

export interface TraceTree {
  traceId: string;
  start: bigint;
  duration: Nanos;
  roots: SpanNode[];
  byId: Map<string, SpanNode>;
  /** Nodes in the order in which they are drawn: parents first, children by start. */
  inOrder: SpanNode[];
  /** Ids of failed spans, in the same order. */
  errors: string[];
  spanCount: number;
  missingParents: number;
  services: string[];
}

export function buildTraceTree(trace: Trace): TraceTree {
  const start = earliest(trace.spans);
  const byId = new Map<string, SpanNode>();
  for (const span of trace.spans) byId.set(span.spanId, spanNode(span, start));
  const spanCount = byId.size;
  const roots = linkParents(byId);
  const missingParents = byId.size - spanCount;
  // By now placeholders hold their children; they must span them before their own siblings are put in order.
  for (const node of byId.values()) if (!node.span) coverChildren(node);
  const inOrder = orderNodes(roots, byId);
  sumUp(inOrder);
  return {
    traceId: trace.traceId,
    start,
    duration: nanos(inOrder.reduce((end, node) => Math.max(end, node.start + node.duration), 0)),
    roots,
    byId,
    inOrder,
    errors: inOrder.filter((node) => node.isError).map((node) => node.id),
    spanCount,
    missingParents,
    services: [...new Set(inOrder.flatMap((node) => (node.span ? [node.span.service] : [])))],
  };
}

/** The earliest known start; spans without a time do not drag the trace back to 1970. */
function earliest(spans: readonly Span[]): bigint {
  let first = 0n;
  for (const span of spans) {
    const start = parseNanos(span.startTimeUnixNano);
    if (start > 0n && (first === 0n || start < first)) first = start;
  }
  return first;
}

function spanNode(span: Span, traceStart: bigint): SpanNode {
  const start = parseNanos(span.startTimeUnixNano);
  const end = parseNanos(span.endTimeUnixNano);
  return {
    ...emptyNode(span.spanId),
    span,
    start: start > 0n ? nanosBetween(traceStart, start) : nanos(0),
    duration: start > 0n && end > start ? nanosBetween(start, end) : nanos(0),
    isError: span.status.code === 'ERROR',
  };
}

function emptyNode(id: string): SpanNode {
  return {
    id,
    span: null,
    parent: null,
    children: [],
    depth: 0,
    start: nanos(0),
    duration: nanos(0),
    isError: false,
    descendants: 0,
    errorsBelow: 0,
  };
}

/** Hangs every node under its parent, with a placeholder for each missing one, and returns the nodes without parent. */
function linkParents(byId: Map<string, SpanNode>): SpanNode[] {
  const roots: SpanNode[] = [];
  for (const node of [...byId.values()]) {
    const parentId = node.span?.parentSpanId;
    if (!parentId || parentId === node.id) {
      roots.push(node);
      continue;
    }
    let parent = byId.get(parentId);
    if (!parent) {
      parent = emptyNode(parentId);
      byId.set(parentId, parent);
      roots.push(parent);
    }
    node.parent = parent;
    parent.children.push(node);
  }
  return roots;
}

function coverChildren(node: SpanNode): void {
  const first = node.children.reduce((start, child) => Math.min(start, child.start), Infinity);
  const last = node.children.reduce((end, child) => Math.max(end, child.start + child.duration), 0);
  node.start = nanos(first);
  node.duration = nanos(last - first);
}

const byStart = (a: SpanNode, b: SpanNode) =>
  a.start - b.start || b.duration - a.duration || (a.id < b.id ? -1 : 1);

/** Sorts siblings, sets depths and lists all nodes. What no root reaches is a ring; it is cut at its earliest node. */
function orderNodes(roots: SpanNode[], byId: Map<string, SpanNode>): SpanNode[] {
  roots.sort(byStart);
  const inOrder: SpanNode[] = [];
  const seen = new Set<SpanNode>();
  roots.forEach((root) => walk(root, inOrder, seen));
  if (inOrder.length < byId.size) {
    for (const node of [...byId.values()].sort(byStart)) {
      if (seen.has(node)) continue;
      if (node.parent) node.parent.children = node.parent.children.filter((child) => child !== node);
      node.parent = null;
      roots.push(node);
      walk(node, inOrder, seen);
    }
  }
  return inOrder;
}

function walk(root: SpanNode, inOrder: SpanNode[], seen: Set<SpanNode>): void {
  const stack = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    node.depth = node.parent ? node.parent.depth + 1 : 0;
    inOrder.push(node);
    node.children.sort(byStart);
    for (const child of node.children.toReversed()) stack.push(child);
  }
}

/** Children come after their parents in the order, so one pass from the end adds everything up. */
function sumUp(inOrder: readonly SpanNode[]): void {
  for (const node of inOrder.toReversed()) {
    if (!node.parent) continue;
    node.parent.descendants += node.descendants + 1;
    node.parent.errorsBelow += node.errorsBelow + (node.isError ? 1 : 0);
  }
}

/** The nodes above this one, nearest first. */
export function ancestors(node: SpanNode): SpanNode[] {
  const above: SpanNode[] = [];
  for (let parent = node.parent; parent; parent = parent.parent) above.push(parent);
  return above;
}
