import { expect, it } from 'vitest';
import { readTracePart } from './trace-part';

it.each([
  ['', 'waterfall'],
  ['view=flame', 'flame'],
  ['view=logs', 'logs'],
  ['view=nothing', 'waterfall'],
])('of "%s" is %s', (query, part) => {
  expect(readTracePart(new URLSearchParams(query))).toBe(part);
});
