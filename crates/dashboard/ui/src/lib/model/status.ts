/** What the status view says about destinations. */

import type { ExporterStatus } from '../api/types';

/** Failing ones first: what needs attention stands on top. */
export function sortExporters(exporters: readonly ExporterStatus[]): ExporterStatus[] {
  const rank = { failing: 0, healthy: 1, idle: 1 };
  return exporters.toSorted((a, b) => rank[a.state] - rank[b.state] || (a.id < b.id ? -1 : 1));
}

export const EXPORTER_STATES: Record<ExporterStatus['state'], string> = {
  healthy: 'Healthy',
  failing: 'Failing',
  idle: 'Nothing sent yet',
};

/** How full a queue is, from 0 to 1. Exporters without a queue have capacity 0. */
export function queueFill(exporter: Pick<ExporterStatus, 'queueSize' | 'queueCapacity'>): number {
  return exporter.queueCapacity > 0 ? Math.min(exporter.queueSize / exporter.queueCapacity, 1) : 0;
}

/** What did not arrive, by cause; where the hub tells no causes, what was refused and what found the queue full. */
export function lossesOf(exporter: ExporterStatus): { cause: string; items: number }[] {
  if (exporter.dropped) return exporter.dropped.filter(({ items }) => items > 0);
  return [
    { cause: 'failed', items: exporter.failedItems },
    { cause: 'dropped', items: exporter.droppedItems },
  ];
}

const OUTCOMES: Record<string, string> = {
  delivered: 'Delivered',
  partial: 'Taken in part',
  retry: 'Not taken now',
  rejected: 'Refused',
};

/** What a destination did with test items. */
export function outcomeInWords(outcome: string): string {
  return OUTCOMES[outcome] ?? outcome;
}

/** Whether test items reached their destination. */
export function isDelivered(outcome: string): boolean {
  return outcome === 'delivered';
}
