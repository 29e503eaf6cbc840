/** Where the services of a map are drawn: callers to the left of what they call. */

import type { ServiceMap, ServiceMapEdge, ServiceMapNode } from '../api/types';
import { layoutGraph, type Place, type PlacedLink } from './layered-graph';

export type PlacedNode = ServiceMapNode & Place;
export type PlacedEdge = ServiceMapEdge & PlacedLink;

export interface MapLayout {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 48;
const SIZES = { nodeWidth: NODE_WIDTH, nodeHeight: NODE_HEIGHT, columnGap: 104, rowGap: 34 };

export function layoutMap(map: ServiceMap): MapLayout {
  const names = new Set(map.nodes.map(({ service }) => service));
  const edges = map.edges.filter(({ from, to }) => from !== to && names.has(from) && names.has(to));
  const links = edges.map(({ from, to, callCount }) => ({ from, to, count: callCount }));
  const { place, link, width, height } = layoutGraph([...names].toSorted(), links, SIZES);
  return {
    nodes: map.nodes.map((node) => ({ ...node, ...place(node.service) })),
    edges: edges.map((edge) => ({ ...edge, ...link({ ...edge, count: edge.callCount }) })),
    width,
    height,
  };
}
