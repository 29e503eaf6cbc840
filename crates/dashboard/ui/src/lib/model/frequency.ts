/** How often something happens, in the unit that reads well. */

import { formatValue } from './number';

const UNITS: readonly [name: string, seconds: number][] = [
  ['s', 1],
  ['min', 60],
  ['h', 3_600],
  ['d', 86_400],
];

/** `12.5/s`, `3/min`; nothing at all is `0/s`. */
export function formatFrequency(count: number, seconds: number): string {
  if (!(count > 0) || !(seconds > 0)) return '0/s';
  const perSecond = count / seconds;
  const [name, size] = UNITS.find(([, unit]) => perSecond * unit >= 0.95) ?? ['d', 86_400];
  return `${formatValue(Number((perSecond * size).toPrecision(3)))}/${name}`;
}
