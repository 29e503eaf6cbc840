/** What calls cost: as text, over time, and as a table. */

import type { LlmCallCost, LlmCallRow, LlmCost, CostGroup, CostTotals } from '../api/types';
import { COST_BY, type CostBy } from '../api/llm';
import type { CallFacet } from './llm-calls';
import type { Bars } from './rate';
import { lineOf } from './series';
import { parseNanos } from './time';

const CENTS = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const SMALL = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, maximumFractionDigits: 12 });

/** US dollars: cents from a dollar up, three significant digits below, and never less than cents. */
export function formatCost(dollars: number): string {
  if (dollars < 0) return `-${formatCost(-dollars)}`;
  const small = SMALL.format(dollars);
  return `$${dollars >= 1 || /^\d+(\.\d)?$/.test(small) ? CENTS.format(dollars) : small}`;
}

/** The same where nobody knows: no sum is told, and never zero. */
export function costOrUnknown(dollars: number | null): string {
  return dollars === null ? 'unknown' : formatCost(dollars);
}

/** Who says what a call cost, or why nobody does. */
export function costSource(
  cost: Pick<LlmCallCost, 'source' | 'priceVersion'> | null,
  call: Pick<LlmCallRow, 'provider' | 'requestModel' | 'responseModel' | 'inputTokens' | 'outputTokens'>,
): string {
  if (cost?.source === 'reported') return 'As reported by the provider or whoever recorded the call';
  if (cost) return `By the price list${cost.priceVersion ? ` of ${cost.priceVersion}` : ''}`;
  if (call.inputTokens === null && call.outputTokens === null)
    return 'Unknown: nobody said how many tokens were used';
  const model = call.responseModel ?? call.requestModel;
  if (model === null) return 'Unknown: nobody said which model it was';
  return `Unknown: the price list has no ${model}${call.provider ? ` of ${call.provider}` : ''}`;
}

export function readCostBy(query: URLSearchParams): CostBy {
  return COST_BY.find((group) => group === query.get('by')) ?? 'model';
}

export const GROUP_TITLES: Record<CostBy, string> = {
  model: 'Model',
  provider: 'Provider',
  service: 'Service',
  user: 'User',
  session: 'Session',
  tag: 'Tag',
  agent: 'Agent',
};

/** The calls of a group, as a filter of their list; null for those without a value, which no filter names. */
export function groupFilter(by: CostBy, value: string | null): Record<CallFacet, string> | null {
  return value === null || value === '' ? null : ({ [by]: value } as Record<CallFacet, string>);
}

export type Measure = 'cost' | 'tokens';

/** Groups of a chart beyond this are one, so that colours stay apart. */
const LAYERS = 9;

/** Stacked bars, the dearest group below; the smaller ones together on top. */
export function costBars(cost: LlmCost, measure: Measure): Bars {
  const valuesOf = (group: CostGroup) => (measure === 'cost' ? group.costs : group.tokens);
  const sum = (group: CostGroup) => valuesOf(group).reduce((total, value) => total + value, 0);
  const groups = cost.groups.filter((group) => sum(group) > 0).toSorted((a, b) => sum(b) - sum(a));
  const shown = groups.length > LAYERS + 1 ? groups.slice(0, LAYERS) : groups;
  const rest = groups.slice(shown.length);
  const layers = shown.map((group, index) => ({
    name: groupName(group.value),
    colour: lineOf(index).colour,
    values: valuesOf(group),
  }));
  if (rest.length > 0) {
    const length = valuesOf(rest[0] as CostGroup).length;
    const values = Array.from({ length }, (_, bin) =>
      rest.reduce((total, group) => total + (valuesOf(group)[bin] ?? 0), 0),
    );
    layers.push({ name: `${rest.length} more`, colour: `var(--service-${LAYERS})`, values });
  }
  return { start: parseNanos(cost.startNano), step: parseNanos(cost.stepNano), layers };
}

export function groupName(value: string | null): string {
  return value === null || value === '' ? 'none' : value;
}

/** Round values from 0 up to the highest bar, for the lines behind it; the last is the height of the drawing. */
export function chartMarks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((one) => one * size >= rough) ?? 10) * size;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
}

/** Which part of the input came from a cache, from 0 to 1; null where nothing was read. */
export function cacheShare(totals: Pick<CostTotals, 'inputTokens' | 'cacheReadTokens'>): number | null {
  return totals.inputTokens > 0 ? totals.cacheReadTokens / totals.inputTokens : null;
}

export const COST_COLUMNS = [
  'calls',
  'errors',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'reasoningTokens',
  'cost',
  'unpricedCalls',
  'cacheSavings',
] as const satisfies readonly (keyof CostTotals)[];

/** The table of groups as columns and rows for a file. */
export function costTable(
  cost: LlmCost,
  by: CostBy,
): { columns: string[]; rows: (string | number | null)[][] } {
  return {
    columns: [by, ...COST_COLUMNS, 'p50Ms', 'p95Ms'],
    rows: cost.groups.map((group) => [
      group.value,
      ...COST_COLUMNS.map((column) => group[column]),
      Number(group.p50Nano) / 1e6,
      Number(group.p95Nano) / 1e6,
    ]),
  };
}

/** Reads an amount such as `0.05` or `$0.05`; null where it is none. */
export function parseCost(text: string): number | null {
  const digits = text
    .trim()
    .replace(/^\$\s*/, '')
    .replace(',', '.');
  return /^(\d+(\.\d*)?|\.\d+)$/.test(digits) ? Number(digits) : null;
}
