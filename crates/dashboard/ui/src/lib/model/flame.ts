/**
 * Flame graphs: stacks as nested frames, as wide as what was spent in them. The same drawing serves one trace (frames are
 * operations, merged where their stacks agree, and sized by self time so that parallel work adds up) and profiles.
 */

import type { FlameNode } from '../api/types';
import { selfTime } from './self-time';
import type { SpanNode, TraceTree } from './trace-tree';

export interface FlameFrame {
  name: string;
  /** Colours frames that belong together: a service, or a file. */
  group: string;
  /** Of this frame and everything in it. */
  total: number;
  /** Of this frame alone. */
  self: number;
  /** How many spans or stacks were merged; 0 where nobody counted. */
  count: number;
  failed: boolean;
  parent: FlameFrame | null;
  children: FlameFrame[];
  depth: number;
}

/** One drawn frame: place in fractions of the whole width. */
export interface FlameBox {
  frame: FlameFrame;
  left: number;
  width: number;
  row: number;
}

export function flameOfTrace(tree: TraceTree): FlameFrame {
  const root = emptyFrame('all', '', null);
  const frames = new Map<SpanNode, FlameFrame>();
  const known = new Map<FlameFrame, Map<string, FlameFrame>>();
  for (const node of tree.inOrder) {
    const parent = (node.parent && frames.get(node.parent)) || root;
    const name = node.span ? node.span.name || 'unnamed' : 'missing parent';
    const group = node.span?.service ?? '';
    const siblings = known.get(parent) ?? new Map<string, FlameFrame>();
    const frame = siblings.get(`${group}\u0000${name}`) ?? emptyFrame(name, group, parent);
    if (frame.count === 0) {
      parent.children.push(frame);
      known.set(parent, siblings.set(`${group}\u0000${name}`, frame));
    }
    frame.self += node.span ? selfTime(node) : 0;
    frame.count += 1;
    frame.failed ||= node.isError;
    frames.set(node, frame);
  }
  for (const frame of framesOf(root).toReversed()) {
    frame.total = frame.self + frame.children.reduce((sum, child) => sum + child.total, 0);
    frame.children.sort((a, b) => b.total - a.total);
  }
  return root;
}

export function flameOfProfile(root: FlameNode): FlameFrame {
  const convert = (node: FlameNode, parent: FlameFrame | null): FlameFrame => ({
    ...emptyFrame(node.name || 'unknown', node.file ?? '', parent),
    self: Number(node.self),
    total: Number(node.total),
  });
  const top = convert(root, null);
  const stack: [FlameNode, FlameFrame][] = [[root, top]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [node, frame] = next;
    for (const child of node.children) {
      const inner = convert(child, frame);
      frame.children.push(inner);
      stack.push([child, inner]);
    }
    frame.children.sort((a, b) => b.total - a.total);
  }
  return top;
}

function emptyFrame(name: string, group: string, parent: FlameFrame | null): FlameFrame {
  const depth = parent ? parent.depth + 1 : 0;
  return { name, group, total: 0, self: 0, count: 0, failed: false, parent, children: [], depth };
}

/** All frames, parents first. */
export function framesOf(root: FlameFrame): FlameFrame[] {
  const frames = [root];
  for (let index = 0; index < frames.length; index += 1) {
    const frame = frames[index];
    if (frame) for (const child of frame.children) frames.push(child);
  }
  return frames;
}

/** The frames that are wide enough to see when one of them fills the width, with those above it. */
export function flameBoxes(focus: FlameFrame, minWidth: number): FlameBox[] {
  const boxes: FlameBox[] = [];
  for (let above = focus.parent; above; above = above.parent) {
    boxes.unshift({ frame: above, left: 0, width: 1, row: above.depth });
  }
  const scale = focus.total > 0 ? 1 / focus.total : 0;
  const stack: FlameBox[] = [{ frame: focus, left: 0, width: 1, row: focus.depth }];
  for (let box = stack.pop(); box; box = stack.pop()) {
    boxes.push(box);
    let left = box.left;
    for (const child of box.frame.children) {
      const width = child.total * scale;
      if (width >= minWidth) stack.push({ frame: child, left, width, row: child.depth });
      left += width;
    }
  }
  return boxes;
}

export interface FlameTotal {
  name: string;
  group: string;
  self: number;
  /** With everything called from there; a frame inside itself counts once. */
  total: number;
}

/** What each function or operation cost over all stacks, the costliest first. */
export function flameTotals(root: FlameFrame): FlameTotal[] {
  const totals = new Map<string, FlameTotal>();
  for (const frame of framesOf(root)) {
    if (frame === root) continue;
    const key = `${frame.group}\u0000${frame.name}`;
    const known = totals.get(key) ?? { name: frame.name, group: frame.group, self: 0, total: 0 };
    known.self += frame.self;
    if (!isInside(frame)) known.total += frame.total;
    totals.set(key, known);
  }
  return [...totals.values()].sort((a, b) => b.self - a.self);
}

function isInside(frame: FlameFrame): boolean {
  for (let above = frame.parent; above; above = above.parent) {
    if (above.name === frame.name && above.group === frame.group) return true;
  }
  return false;
}

/** A frame's place below the root, for the URL: the positions of its ancestors and its own, as `0.2.1`. */
export function framePath(frame: FlameFrame): string {
  const steps: number[] = [];
  for (let at = frame; at.parent; at = at.parent) steps.unshift(at.parent.children.indexOf(at));
  return steps.join('.');
}

/** The frame at a path; the root where the path leads nowhere. */
export function frameAt(root: FlameFrame, path: string | null): FlameFrame {
  let frame = root;
  for (const step of path ? path.split('.') : []) {
    const child = frame.children[Number(step)];
    if (!child) return root;
    frame = child;
  }
  return frame;
}
