/** Groups of errors. */

import type { ErrorGroup } from '../api/types';
import type { Bars } from './rate';
import { parseNanos } from './time';

/** Groups that hold every word in type, message, place or service; the most frequent first. */
export function findErrors(groups: readonly ErrorGroup[], text: string): ErrorGroup[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return groups
    .filter((group) => {
      const all = [group.type, group.message, group.place, group.service].join('\n').toLowerCase();
      return words.every((word) => all.includes(word));
    })
    .toSorted((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
}

/** Its counts over time; the last bar holds the last occurrence. */
export function groupBars(group: ErrorGroup): Bars {
  const step = parseNanos(group.stepNano);
  const last = parseNanos(group.lastNano);
  const lastBar = group.counts.findLastIndex((count) => count > 0);
  const start = step > 0n ? last - (last % step) - step * BigInt(Math.max(lastBar, 0)) : last;
  return { start, step, layers: [{ name: 'times', colour: 'var(--error-fill)', values: group.counts }] };
}
