/** How long a span itself was at work: its duration without the time in which any child ran. */

import { nanos, type Nanos } from './time';
import type { SpanNode } from './trace-tree';

export function selfTime(node: SpanNode): Nanos {
  const end = node.start + node.duration;
  let covered = 0;
  let reached: number = node.start;
  // Children are in order of start.
  for (const child of node.children) {
    const from = Math.max(child.start, reached);
    const to = Math.min(child.start + child.duration, end);
    if (to <= from) continue;
    covered += to - from;
    reached = to;
  }
  return nanos(Math.max(node.duration - covered, 0));
}
