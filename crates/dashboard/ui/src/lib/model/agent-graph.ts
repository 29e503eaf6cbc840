/** The steps of agents as a drawing, and what stands out in it: what failed, and what came again and again. */

import type { AgentGraph, GraphEdge, GraphNode } from '../api/types';
import { layoutGraph, type Place, type PlacedLink } from './layered-graph';

export interface PlacedStep extends GraphNode, Place {
  /** It is part of a loop. */
  loops: boolean;
}

export interface PlacedWay extends GraphEdge, PlacedLink {
  /** It is a way within a loop. */
  loops: boolean;
}

export interface AgentDrawing {
  steps: PlacedStep[];
  ways: PlacedWay[];
  width: number;
  height: number;
}

export const STEP_WIDTH = 184;
export const STEP_HEIGHT = 54;
const SIZES = { nodeWidth: STEP_WIDTH, nodeHeight: STEP_HEIGHT, columnGap: 124, rowGap: 44 };

export function drawGraph(graph: AgentGraph): AgentDrawing {
  const ids = new Set(graph.nodes.map(({ id }) => id));
  const edges = graph.edges.filter(({ from, to }) => ids.has(from) && ids.has(to));
  const { place, link, width, height } = layoutGraph([...ids], edges, SIZES);
  const ways = loopWays(graph);
  const looping = new Set(graph.loops.flatMap(({ nodes }) => nodes));
  return {
    steps: graph.nodes.map((node) => ({ ...node, ...place(node.id), loops: looping.has(node.id) })),
    ways: edges.map((edge) => ({ ...edge, ...link(edge), loops: ways.has(wayKey(edge.from, edge.to)) })),
    width,
    height,
  };
}

export function wayKey(from: string, to: string): string {
  return `${from}\u0000${to}`;
}

/** From each step of a loop to the next, and from the last to the first. */
function loopWays(graph: AgentGraph): Set<string> {
  return new Set(
    graph.loops.flatMap(({ nodes }) =>
      nodes.map((id, index) => wayKey(id, nodes[(index + 1) % nodes.length] ?? id)),
    ),
  );
}

/** A loop in words: `search → gpt-4o → search`. */
export function loopInWords(nodes: readonly string[], graph: AgentGraph): string {
  const names = nodes.map((id) => graph.nodes.find((node) => node.id === id)?.name ?? id);
  return [...names, names[0] ?? ''].join(' → ');
}

export const STEP_KINDS: Record<string, string> = {
  agent: 'agent',
  llm: 'model',
  embedding: 'embedding',
  image: 'image',
  audio: 'audio',
  tool: 'tool',
  chain: 'chain',
  retriever: 'retriever',
  reranker: 'reranker',
  guardrail: 'guardrail',
  evaluator: 'evaluator',
  prompt: 'prompt',
};

/** A letter that stands for the kind beside its colour. */
export function kindMark(kind: string): { letter: string; colour: string } {
  const marks: Record<string, [string, number]> = {
    agent: ['A', 2],
    llm: ['M', 0],
    tool: ['T', 3],
    retriever: ['R', 5],
    chain: ['C', 9],
  };
  const [letter, colour] = marks[kind] ?? [kind.charAt(0).toUpperCase(), 7];
  return { letter, colour: `var(--service-${colour})` };
}
