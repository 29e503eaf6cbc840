import { describe, expect, it } from 'vitest';
import { ANY_TIME, chartRange, isInRange, presetQuery, readRange, resolveRange, spanQuery } from './range';

const read = (text: string, preset?: string) => readRange(new URLSearchParams(text), preset);

describe('readRange', () => {
  it('reads presets, bounds, and the default', () => {
    expect(read('range=15m')).toEqual({ preset: '15m', from: null, to: null });
    expect(read('from=5&to=9&range=15m')).toEqual({ preset: null, from: '5', to: '9' });
    expect(read('')).toEqual(ANY_TIME);
    expect(read('', '1h').preset).toBe('1h');
    expect(read('range=all', '1h')).toEqual(ANY_TIME);
    expect(read('range=3w&from=x')).toEqual(ANY_TIME);
  });
});

it('asks the server for the preset as of now', () => {
  expect(resolveRange(read('range=5m'), 300_001)).toEqual({ from: '1000000', to: null });
  expect(resolveRange(read('from=7'), 0)).toEqual({ from: '7', to: null });
});

it('gives charts both ends', () => {
  expect(chartRange(read('range=5m'), 300_000)).toEqual({ from: '0', to: '300000000000' });
  expect(chartRange(read('to=86400000000001'), 0)).toEqual({ from: '1', to: '86400000000001' });
});

it('includes its start and not its end', () => {
  const range = read('from=5&to=9');
  expect([4n, 5n, 8n, 9n].map((time) => isInRange(time, range))).toEqual([false, true, true, false]);
});

it('writes changes that take each other back', () => {
  expect(presetQuery('1h')).toEqual({ range: '1h', from: null, to: null });
  expect(spanQuery(1n, 2n)).toEqual({ range: null, from: '1', to: '2' });
});
