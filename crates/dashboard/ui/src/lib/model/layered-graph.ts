/** Where the nodes of a graph are drawn: what leads to a node to the left of it, without crossings where it is easy. */

export interface Link {
  from: string;
  to: string;
  /** How often; a link that is gone along more often is drawn wider. */
  count: number;
}

export interface Sizes {
  nodeWidth: number;
  nodeHeight: number;
  /** Between two columns, and between two rows. */
  columnGap: number;
  rowGap: number;
}

export interface Place {
  x: number;
  y: number;
}

export interface PlacedLink {
  path: string;
  /** Stroke width in pixels. */
  width: number;
  /** Where its label stands. */
  labelX: number;
  labelY: number;
}

export interface GraphLayout {
  /** The upper left corner of a node. */
  place: (id: string) => Place;
  link: (link: Link) => PlacedLink;
  width: number;
  height: number;
}

const MARGIN = 16;
/** Room for what goes back below the nodes, and for what goes from a node to itself above it. */
const BELOW = 44;
const ABOVE = 30;

/** Links to nodes that are not among the ids must not be given. */
export function layoutGraph(ids: readonly string[], links: readonly Link[], sizes: Sizes): GraphLayout {
  const columnWidth = sizes.nodeWidth + sizes.columnGap;
  const rowHeight = sizes.nodeHeight + sizes.rowGap;
  const others = links.filter(({ from, to }) => from !== to);
  const above = others.length < links.length ? ABOVE : 0;
  const columns = orderColumns(assignColumns(ids, others), others);
  const places = new Map<string, Place>();
  const tallest = columns.reduce((most, column) => Math.max(most, column.length), 0);
  columns.forEach((column, index) => {
    const top = MARGIN + above + ((tallest - column.length) * rowHeight) / 2;
    column.forEach((id, row) =>
      places.set(id, { x: MARGIN + index * columnWidth, y: top + row * rowHeight }),
    );
  });
  const place = (id: string) => places.get(id) ?? { x: 0, y: 0 };
  const most = links.reduce((count, link) => Math.max(count, link.count), 1);
  return {
    place,
    link: (link) => placeLink(place(link.from), place(link.to), strokeWidth(link.count, most), sizes),
    width: MARGIN * 2 + Math.max(columns.length * columnWidth - sizes.columnGap, 0),
    height: MARGIN * 2 + above + Math.max(tallest * rowHeight - sizes.rowGap, 0) + BELOW,
  };
}

/** Each node one column right of the furthest that leads to it; links that close a circle do not count. */
function assignColumns(ids: readonly string[], links: readonly Link[]): string[][] {
  const forward = withoutCircles(ids, links);
  const columnOf = new Map(ids.map((id) => [id, 0]));
  for (let round = 0; round < ids.length; round += 1) {
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
  for (const [id, column] of columnOf) (columns[column] ??= []).push(id);
  return columns;
}

/** The links that a walk from the nodes to which nothing leads finds without meeting its own path. */
function withoutCircles(ids: readonly string[], links: readonly Link[]): Link[] {
  const reached = new Set(links.map(({ to }) => to));
  const starts = [...ids.filter((id) => !reached.has(id)), ...ids];
  const state = new Map<string, 'open' | 'done'>();
  const kept: Link[] = [];
  const visit = (id: string) => {
    state.set(id, 'open');
    for (const link of links) {
      if (link.from !== id || state.get(link.to) === 'open') continue;
      kept.push(link);
      if (!state.has(link.to)) visit(link.to);
    }
    state.set(id, 'done');
  };
  for (const id of starts) if (!state.has(id)) visit(id);
  return kept;
}

/** Within a column, nodes stand near the middle of what leads to them. */
function orderColumns(columns: string[][], links: readonly Link[]): string[][] {
  const rowOf = new Map<string, number>();
  const remember = (column: readonly string[]) =>
    column.forEach((id, row) => rowOf.set(id, row - column.length / 2));
  columns.forEach(remember);
  return columns.map((column) => {
    const middle = (id: string) => {
      const rows = links.filter(({ to }) => to === id).map(({ from }) => rowOf.get(from) ?? 0);
      return rows.length > 0 ? rows.reduce((sum, row) => sum + row, 0) / rows.length : 0;
    };
    const ordered = column.toSorted((a, b) => middle(a) - middle(b));
    remember(ordered);
    return ordered;
  });
}

function strokeWidth(count: number, most: number): number {
  return 1 + 3 * (Math.log1p(count) / Math.log1p(most));
}

function placeLink(from: Place, to: Place, width: number, { nodeWidth, nodeHeight }: Sizes): PlacedLink {
  const middle = nodeHeight / 2;
  const [x1, y1, x2, y2] = [from.x + nodeWidth, from.y + middle, to.x, to.y + middle];
  if (x2 > x1) {
    const bend = (x2 - x1) / 2;
    const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 6} ${y2}`;
    return { path, width, labelX: (x1 + x2) / 2, labelY: (y1 + y2) / 2 + 4 };
  }
  if (from === to) {
    // To itself: above the node.
    const [left, right] = [from.x + nodeWidth * 0.3, from.x + nodeWidth * 0.7];
    const path = `M${right} ${from.y}C${right + 24} ${from.y - 34} ${left - 24} ${from.y - 34} ${left} ${from.y - 6}`;
    return { path, width, labelX: (left + right) / 2, labelY: from.y - 18 };
  }
  // Back to the left, or within a column: below both.
  const [left, right] = [to.x + nodeWidth / 2, from.x + nodeWidth / 2];
  const [start, end] = [from.y + nodeHeight, to.y + nodeHeight];
  const low = Math.max(start, end) + BELOW;
  const path = `M${right} ${start}C${right} ${low} ${left} ${low} ${left} ${end + 6}`;
  return { path, width, labelX: (left + right) / 2, labelY: (start + end + 6 * low) / 8 + 16 };
}
