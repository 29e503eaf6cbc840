/** Where the services of a map are drawn: callers to the left of what they call, without crossings where it is easy. */

import type { ServiceMap, ServiceMapEdge, ServiceMapNode } from '../api/types';

export interface PlacedNode extends ServiceMapNode {
  x: number;
  y: number;
}

export interface PlacedEdge extends ServiceMapEdge {
  path: string;
  /** Stroke width in pixels. */
  width: number;
  /** Where its label stands. */
  labelX: number;
  labelY: number;
}

export interface MapLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 48;
const COLUMN = NODE_WIDTH + 104;
const ROW = NODE_HEIGHT + 34;
const MARGIN = 16;

export function layoutMap(map: ServiceMap): MapLayout {
  const names = new Set(map.nodes.map(({ service }) => service));
  const edges = map.edges.filter(({ from, to }) => from !== to && names.has(from) && names.has(to));
  const columns = orderColumns(assignColumns([...names].toSorted(), edges), edges);
  const places = new Map<string, { x: number; y: number }>();
  const tallest = columns.reduce((most, column) => Math.max(most, column.length), 0);
  columns.forEach((column, index) => {
    const top = MARGIN + ((tallest - column.length) * ROW) / 2;
    column.forEach((service, row) => places.set(service, { x: MARGIN + index * COLUMN, y: top + row * ROW }));
  });
  const place = (service: string) => places.get(service) ?? { x: 0, y: 0 };
  const most = edges.reduce((count, edge) => Math.max(count, edge.callCount), 1);
  return {
    nodes: map.nodes.map((node) => ({ ...node, ...place(node.service) })),
    edges: edges.map((edge) => placeEdge(edge, place(edge.from), place(edge.to), most)),
    width: MARGIN * 2 + Math.max(columns.length * COLUMN - (COLUMN - NODE_WIDTH), 0),
    height: MARGIN * 2 + Math.max(tallest * ROW - (ROW - NODE_HEIGHT), 0) + 24,
  };
}

/** Each service one column right of its furthest caller; calls that close a circle do not count. */
function assignColumns(names: readonly string[], edges: readonly ServiceMapEdge[]): string[][] {
  const forward = withoutCircles(names, edges);
  const columnOf = new Map(names.map((name) => [name, 0]));
  for (let round = 0; round < names.length; round += 1) {
    let moved = false;
    for (const { from, to } of forward) {
      const column = (columnOf.get(from) ?? 0) + 1;
      if (column <= (columnOf.get(to) ?? 0)) continue;
      columnOf.set(to, column);
      moved = true;
    }
    if (!moved) break;
  }
  const columns: string[][] = [];
  for (const [name, column] of columnOf) (columns[column] ??= []).push(name);
  return columns;
}

/** The edges that a walk from the services that nobody calls finds without meeting its own path. */
function withoutCircles(names: readonly string[], edges: readonly ServiceMapEdge[]): ServiceMapEdge[] {
  const called = new Set(edges.map(({ to }) => to));
  const starts = [...names.filter((name) => !called.has(name)), ...names];
  const state = new Map<string, 'open' | 'done'>();
  const kept: ServiceMapEdge[] = [];
  const visit = (name: string) => {
    state.set(name, 'open');
    for (const edge of edges) {
      if (edge.from !== name || state.get(edge.to) === 'open') continue;
      kept.push(edge);
      if (!state.has(edge.to)) visit(edge.to);
    }
    state.set(name, 'done');
  };
  for (const name of starts) if (!state.has(name)) visit(name);
  return kept;
}

/** Within a column, services stand near the middle of what calls them. */
function orderColumns(columns: string[][], edges: readonly ServiceMapEdge[]): string[][] {
  const rowOf = new Map<string, number>();
  const remember = (column: readonly string[]) =>
    column.forEach((name, row) => rowOf.set(name, row - column.length / 2));
  columns.forEach(remember);
  return columns.map((column) => {
    const middle = (name: string) => {
      const callers = edges.filter(({ to }) => to === name).map(({ from }) => rowOf.get(from) ?? 0);
      return callers.length > 0 ? callers.reduce((sum, row) => sum + row, 0) / callers.length : 0;
    };
    const ordered = column.toSorted((a, b) => middle(a) - middle(b));
    remember(ordered);
    return ordered;
  });
}

function placeEdge(
  edge: ServiceMapEdge,
  from: { x: number; y: number },
  to: { x: number; y: number },
  most: number,
): PlacedEdge {
  const middle = NODE_HEIGHT / 2;
  const width = 1 + 3 * (Math.log1p(edge.callCount) / Math.log1p(most));
  const [x1, y1, x2, y2] = [from.x + NODE_WIDTH, from.y + middle, to.x, to.y + middle];
  if (x2 > x1) {
    const bend = (x2 - x1) / 2;
    const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 6} ${y2}`;
    return { ...edge, path, width, labelX: (x1 + x2) / 2, labelY: (y1 + y2) / 2 + 4 };
  }
  // Back to the left, or within a column: below both.
  const low = Math.max(y1, y2) + NODE_HEIGHT;
  const path = `M${x1} ${y1}C${x1 + 50} ${low} ${x2 - 50} ${low} ${x2 - 6} ${y2}`;
  return { ...edge, path, width, labelX: (x1 + x2) / 2, labelY: low - NODE_HEIGHT / 4 };
}
