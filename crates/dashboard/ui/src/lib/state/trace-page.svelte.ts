import { getTrace, listTraceLogs } from '../api/client';
import { criticalPath } from '../model/critical-path';
import { searchSpans, SpanTexts, withAncestors } from '../model/span-search';
import { ancestors, buildTraceTree, type SpanNode } from '../model/trace-tree';
import { nanos } from '../model/time';
import { readTracePart, type TracePart } from '../model/trace-part';
import { visibleRows } from '../model/waterfall';
import { readZoom, scaleZoom, writeZoom, zoomAround, type TimeWindow } from '../model/zoom';
import { Query } from './query.svelte';
import type { Router } from './router.svelte';

/** One trace and its logs, with what is open, selected and searched for. Selection and search stand in the URL. */
export class TracePage {
  readonly trace;
  readonly logs;
  /** Replaced, never changed: a signal per span would cost more than copying the set. */
  collapsed = $state.raw<ReadonlySet<string>>(new Set());
  readonly #router: Router;
  readonly #texts = new SpanTexts();

  readonly selectedId: string | null = $derived.by(() => this.#router.query.get('span'));
  readonly search: string = $derived.by(() => this.#router.query.get('q') ?? '');
  readonly part: TracePart = $derived.by(() => readTracePart(this.#router.query));
  readonly showsPath: boolean = $derived.by(() => this.#router.query.get('path') === 'critical');
  readonly onlyMatches: boolean = $derived.by(() => this.#router.query.get('only') === 'matches');
  readonly tree = $derived.by(() => (this.trace.data ? buildTraceTree(this.trace.data) : null));
  /** Costs a walk over the trace, once, when something shows it. */
  readonly path = $derived.by(() => (this.tree ? criticalPath(this.tree) : null));
  readonly zoom: TimeWindow | null = $derived.by(() =>
    this.tree ? readZoom(this.#router.query.get('zoom'), this.tree.duration) : null,
  );
  /** What part of the time is drawn. */
  readonly window: TimeWindow = $derived.by(
    () => this.zoom ?? { start: nanos(0), end: this.tree?.duration ?? nanos(0) },
  );
  readonly found: string[] = $derived(this.tree ? searchSpans(this.tree, this.search, this.#texts) : []);
  readonly foundIds: ReadonlySet<string> = $derived(new Set(this.found));
  readonly rows: SpanNode[] = $derived.by(() => {
    if (!this.tree) return [];
    const only = this.onlyMatches && this.search !== '' ? withAncestors(this.tree, this.found) : null;
    return visibleRows(this.tree, this.collapsed, only);
  });
  readonly selected: SpanNode | null = $derived(
    (this.selectedId !== null && this.tree?.byId.get(this.selectedId)) || null,
  );
  readonly selectedIndex: number = $derived(this.selected ? this.rows.indexOf(this.selected) : -1);

  constructor(traceId: string, router: Router) {
    this.#router = router;
    this.trace = new Query((signal) => getTrace(traceId, signal));
    this.logs = new Query((signal) => listTraceLogs(traceId, signal));
  }

  load(): void {
    void this.trace.load();
    void this.logs.load();
  }

  cancel(): void {
    this.trace.cancel();
    this.logs.cancel();
  }

  /** Selects a span and opens whatever hides it. */
  select(id: string | null): void {
    const node = id === null ? undefined : this.tree?.byId.get(id);
    if (node) this.#open(ancestors(node));
    this.#router.setQuery({ span: id });
  }

  /** Moves the selection by rows. */
  move(by: number): void {
    const index = this.selectedIndex < 0 && by > 0 ? 0 : this.selectedIndex + by;
    const row = this.rows[Math.min(Math.max(index, 0), this.rows.length - 1)];
    if (row) this.select(row.id);
  }

  toggle(node: SpanNode): void {
    if (this.collapsed.has(node.id)) this.#open([node]);
    else this.#close([node]);
  }

  /** Into the tree: opens a closed row, then goes to its first child. */
  enter(): void {
    const node = this.selected;
    if (!node || node.children.length === 0) return;
    if (this.collapsed.has(node.id)) this.#open([node]);
    else this.move(1);
  }

  /** Out of the tree: closes an open row, then goes to its parent. */
  leave(): void {
    const node = this.selected;
    if (!node) return;
    if (node.children.length > 0 && !this.collapsed.has(node.id)) this.#close([node]);
    else if (node.parent) this.select(node.parent.id);
  }

  collapseAll(): void {
    this.#close(this.tree?.inOrder ?? []);
    const root = this.selected && (ancestors(this.selected).at(-1) ?? this.selected);
    if (root) this.select(root.id);
  }

  setZoom(zoom: TimeWindow | null): void {
    this.#router.setQuery({ zoom: writeZoom(zoom) });
  }

  /** The selected span fills the drawing; with none selected, the middle half does. */
  zoomIn(): void {
    if (!this.tree) return;
    const { selected, tree } = this;
    this.setZoom(
      selected
        ? zoomAround(selected.start, selected.duration, tree.duration)
        : scaleZoom(this.window, 0.5, tree.duration),
    );
  }

  togglePath(): void {
    this.#router.setQuery({ path: this.showsPath ? null : 'critical' });
  }

  expandAll(): void {
    this.collapsed = new Set();
  }

  /** Goes to the next of some spans after the selected one in drawing order, around the end. */
  goToNext(ids: readonly string[], step: 1 | -1 = 1): void {
    if (ids.length === 0) return;
    const at = this.selectedId === null ? -1 : ids.indexOf(this.selectedId);
    const index = at >= 0 ? at + step : this.#insertion(ids) + (step > 0 ? 0 : -1);
    this.select(ids[(index + ids.length) % ids.length] ?? null);
  }

  #open(nodes: readonly SpanNode[]): void {
    if (!nodes.some((node) => this.collapsed.has(node.id))) return;
    const open = new Set(nodes.map((node) => node.id));
    this.collapsed = new Set([...this.collapsed].filter((id) => !open.has(id)));
  }

  #close(nodes: readonly SpanNode[]): void {
    const inner = nodes.filter((node) => node.children.length > 0);
    this.collapsed = new Set([...this.collapsed, ...inner.map((node) => node.id)]);
  }

  /** How many of the ids are drawn before the selected span. */
  #insertion(ids: readonly string[]): number {
    if (!this.selected || !this.tree) return 0;
    const before = new Set(
      this.tree.inOrder.slice(0, this.tree.inOrder.indexOf(this.selected)).map(({ id }) => id),
    );
    return ids.filter((id) => before.has(id)).length;
  }
}
