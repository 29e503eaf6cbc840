import { expect, it } from 'vitest';
import type { AgentGraph } from '../api/types';
import { drawGraph, loopInWords } from './agent-graph';

const node = (id: string, kind: 'agent' | 'llm' | 'tool' = 'tool') => ({
  id,
  kind,
  name: id.toUpperCase(),
  count: 1,
  errors: 0,
  totalNano: '0',
  cost: null,
});
const edge = (from: string, to: string, count = 1) => ({ from, to, count, errors: 0 });
const graph = (more: Partial<AgentGraph>): AgentGraph => ({
  nodes: [node('agent', 'agent'), node('model', 'llm'), node('search')],
  edges: [edge('agent', 'model'), edge('model', 'search', 5), edge('search', 'model', 4)],
  loops: [{ nodes: ['model', 'search'], count: 4 }],
  failures: [],
  truncated: false,
  ...more,
});

it('draws steps from left to right, and what goes back below them', () => {
  const { steps, ways, height } = drawGraph(graph({}));
  expect(steps.toSorted((a, b) => a.x - b.x).map(({ id }) => id)).toEqual(['agent', 'model', 'search']);
  const back = ways.find(({ from, to }) => from === 'search' && to === 'model');
  expect(back?.labelY).toBeGreaterThan(steps[0]!.y + 30);
  expect(back?.labelY).toBeLessThan(height);
});

it('marks the steps of a loop and the ways between them, and no other', () => {
  const { steps, ways } = drawGraph(graph({}));
  expect(steps.filter(({ loops }) => loops).map(({ id }) => id)).toEqual(['model', 'search']);
  expect(ways.filter(({ loops }) => loops).map(({ from, to }) => `${from}-${to}`)).toEqual([
    'model-search',
    'search-model',
  ]);
});

it('draws a step that repeats itself as a way above it, within the drawing', () => {
  const { steps, ways } = drawGraph(
    graph({ nodes: [node('a')], edges: [edge('a', 'a', 7)], loops: [{ nodes: ['a'], count: 7 }] }),
  );
  expect(ways[0]?.loops).toBe(true);
  expect(ways[0]?.labelY).toBeLessThan(steps[0]!.y);
  expect(ways[0]?.labelY).toBeGreaterThan(0);
});

it('leaves out ways to steps that are not there', () => {
  expect(drawGraph(graph({ edges: [edge('agent', 'gone')] })).ways).toEqual([]);
});

it('says a loop in words', () => {
  expect(loopInWords(['model', 'search'], graph({}))).toBe('MODEL → SEARCH → MODEL');
});
