import { describe, expect, it } from 'vitest';
import type { CostGroup, LlmCost } from '../api/types';
import { chartMarks, costBars, costSource, costTable, formatCost, groupFilter, parseCost } from './cost';
import { toCsv } from './sql-result';
import { call, costTotals } from './test-data';

it.each([
  [0, '$0.00'],
  [0.0000123456, '$0.0000123'],
  [0.00345, '$0.00345'],
  [0.5, '$0.50'],
  [0.999999, '$1.00'],
  [1, '$1.00'],
  [1234.5, '$1,234.50'],
  [-0.25, '-$0.25'],
])('%d dollars are %s', (dollars, text) => {
  expect(formatCost(dollars)).toBe(text);
});

it.each([
  ['0.05', 0.05],
  ['$.5', 0.5],
  ['1,5', 1.5],
  ['', null],
  ['free', null],
  ['-1', null],
])('reads %s as %s', (text, dollars) => {
  expect(parseCost(text)).toBe(dollars);
});

it('says who told the cost, or why nobody did', () => {
  const known = call('1', { provider: 'openai', requestModel: 'gpt-4o', inputTokens: 1 });
  expect(costSource({ source: 'reported', priceVersion: null }, known)).toMatch(/^As reported/);
  expect(costSource({ source: 'list', priceVersion: '2026-11-20' }, known)).toBe(
    'By the price list of 2026-11-20',
  );
  expect(costSource(null, known)).toBe('Unknown: the price list has no gpt-4o of openai');
  expect(costSource(null, { ...known, inputTokens: null, outputTokens: null })).toMatch(/how many tokens/);
  expect(costSource(null, { ...known, requestModel: null })).toMatch(/which model/);
});

const group = (value: string | null, costs: number[], more: Partial<CostGroup> = {}): CostGroup => ({
  ...costTotals({ cost: costs.reduce((a, b) => a + b, 0) }),
  value,
  costs,
  tokens: costs.map((cost) => cost * 100),
  ...more,
});
const cost = (groups: CostGroup[]): LlmCost => ({
  startNano: '0',
  stepNano: '1000',
  totals: costTotals(),
  groups,
  topPrompts: [],
});

describe('bars', () => {
  it('have the dearest group below, and what cost nothing not at all', () => {
    const { layers } = costBars(
      cost([group('b', [1, 0]), group('free', [0, 0]), group(null, [1, 5])]),
      'cost',
    );
    expect(layers.map(({ name, values }) => [name, values])).toEqual([
      ['none', [1, 5]],
      ['b', [1, 0]],
    ]);
  });

  it('keep every cent when there are more groups than colours', () => {
    const groups = Array.from({ length: 30 }, (_, index) => group(`g${index}`, [index + 1, 1]));
    const { layers } = costBars(cost(groups), 'cost');
    expect(layers).toHaveLength(10);
    expect(layers.at(-1)?.name).toBe('21 more');
    const all = layers.flatMap(({ values }) => values).reduce((a, b) => a + b, 0);
    expect(all).toBe(groups.reduce((sum, one) => sum + one.cost, 0));
    expect(new Set(layers.map(({ colour }) => colour)).size).toBe(10);
  });
});

it.each([
  [0, [0, 1]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [7, [0, 2, 4, 6, 8]],
  [0.00031, [0, 0.0001, 0.0002, 0.0003, 0.0004]],
])('marks up to %d', (most, marks) => {
  expect(chartMarks(most).map((mark) => Number(mark.toPrecision(6)))).toEqual(marks);
});

it('writes groups as CSV, quoted where they must be, unknown ones empty', () => {
  const table = costTable(cost([group('a,"b"', [2]), group(null, [0.5])]), 'user');
  const [head, first, second] = toCsv(table).split('\r\n');
  expect(head).toMatch(/^user,calls,errors,inputTokens/);
  expect(first).toMatch(/^"a,""b""",/);
  expect(second).toMatch(/^,/);
  expect(first?.split(',').at(-5)).toBe('2');
});

it('leads from a group to its calls, unless they have nothing in common but that they do not say', () => {
  expect(groupFilter('tag', 'a')).toEqual({ tag: 'a' });
  expect(groupFilter('user', null)).toBeNull();
});
