import { expect, it } from 'vitest';
import { layoutMap } from './service-map';

const node = (service: string) => ({ service, spanCount: 1, errorCount: 0 });
const edge = (from: string, to: string, callCount = 1) => ({
  from,
  to,
  callCount,
  errorCount: 0,
  p95Nano: '0',
});
const columns = (services: string[], edges: ReturnType<typeof edge>[]) => {
  const { nodes } = layoutMap({ nodes: services.map(node), edges });
  const xs = [...new Set(nodes.map(({ x }) => x))].toSorted((a, b) => a - b);
  return Object.fromEntries(nodes.map(({ service, x }) => [service, xs.indexOf(x)]));
};

it('puts callers left of what they call', () => {
  expect(columns(['db', 'web', 'api'], [edge('web', 'api'), edge('api', 'db'), edge('web', 'db')])).toEqual({
    web: 0,
    api: 1,
    db: 2,
  });
});

it('survives circles, self calls and edges to strangers', () => {
  const edges = [edge('a', 'b'), edge('b', 'a'), edge('a', 'a'), edge('a', 'nobody')];
  const layout = layoutMap({ nodes: ['a', 'b'].map(node), edges });
  expect(layout.edges).toHaveLength(2);
  expect(columns(['a', 'b'], edges)).toEqual({ a: 0, b: 1 });
});

it('of nothing is empty', () => {
  expect(layoutMap({ nodes: [], edges: [] })).toMatchObject({ nodes: [], edges: [] });
});

it('draws no two services at one place', () => {
  const services = Array.from({ length: 12 }, (_, index) => `s${index}`);
  const edges = services.slice(1).map((service) => edge('s0', service));
  const { nodes } = layoutMap({ nodes: services.map(node), edges });
  expect(new Set(nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(12);
});
