import { describe, expect, it } from 'vitest';
import type { Span } from '../api/types';
import { span } from './test-data';
import { ancestors, buildTraceTree } from './trace-tree';

const tree = (...spans: Span[]) => buildTraceTree({ traceId: 't', spans });
const times = (start: number, end: number) => ({
  startTimeUnixNano: String(start),
  endTimeUnixNano: String(end),
});
const failed = { status: { code: 'ERROR' as const, message: 'no' } };

describe('buildTraceTree', () => {
  it('orders parents before children and siblings by start, whatever the order of arrival', () => {
    const { inOrder, roots } = tree(
      span('c', 'a', times(300, 400)),
      span('d', 'b', times(210, 220)),
      span('b', 'a', times(200, 250)),
      span('a', null, times(100, 500)),
    );
    expect(inOrder.map((node) => [node.id, node.depth])).toEqual([
      ['a', 0],
      ['b', 1],
      ['d', 2],
      ['c', 1],
    ]);
    expect(roots).toHaveLength(1);
  });

  it('measures offsets from the earliest span and spans the whole trace', () => {
    const result = tree(span('a', null, times(100, 500)), span('b', 'a', times(450, 700)));
    expect(result.start).toBe(100n);
    expect(result.duration).toBe(600);
    expect(result.byId.get('b')?.start).toBe(350);
  });

  it('keeps nanoseconds apart that a number would merge', () => {
    const result = tree(
      span('a', null, { startTimeUnixNano: '1785585789120000457', endTimeUnixNano: '1785585789120000460' }),
      span('b', 'a', { startTimeUnixNano: '1785585789120000458', endTimeUnixNano: '1785585789120000459' }),
    );
    expect(result.byId.get('b')).toMatchObject({ start: 1, duration: 1 });
  });

  it('gathers the children of a missing parent under a placeholder that covers them', () => {
    const result = tree(span('b', 'gone', times(200, 300)), span('c', 'gone', times(250, 400)));
    expect(result.roots).toHaveLength(1);
    expect(result.roots[0]).toMatchObject({
      id: 'gone',
      span: null,
      start: 0,
      duration: 200,
      descendants: 2,
    });
    expect(result.missingParents).toBe(1);
    expect(result.spanCount).toBe(2);
  });

  it('counts errors below each node', () => {
    const result = tree(span('a', null), span('b', 'a', failed), span('c', 'b', failed), span('d', 'a'));
    expect(result.byId.get('a')).toMatchObject({ isError: false, errorsBelow: 2, descendants: 3 });
    expect(result.byId.get('b')).toMatchObject({ isError: true, errorsBelow: 1 });
    expect(result.errors).toEqual(['b', 'c']);
  });

  it('cuts rings of parents and a span that is its own parent', () => {
    const result = tree(span('a', 'b'), span('b', 'a'), span('s', 's'));
    expect(result.inOrder.map((node) => node.id).sort()).toEqual(['a', 'b', 's']);
    expect(result.inOrder.filter((node) => node.parent === null)).toHaveLength(2);
  });

  it('does not let a span without times stretch the trace', () => {
    const result = tree(span('a', null, times(1_000_000, 2_000_000)), span('b', 'a', times(0, 0)));
    expect(result.duration).toBe(1_000_000);
    expect(result.byId.get('b')).toMatchObject({ start: 0, duration: 0 });
  });

  it('holds a chain of 20,000 spans', () => {
    const spans = Array.from({ length: 20_000 }, (_, index) =>
      span(`s${index}`, index ? `s${index - 1}` : null),
    );
    const result = tree(...spans);
    expect(result.roots[0]?.descendants).toBe(19_999);
    const deepest = result.byId.get('s19999');
    expect(deepest && ancestors(deepest)).toHaveLength(19_999);
  });

  it('of no spans is empty', () => {
    expect(tree()).toMatchObject({ duration: 0, inOrder: [], services: [] });
  });
});
