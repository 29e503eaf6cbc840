/**
 * Severity numbers of log records in six steps
 * (https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
 */

export type Level = 'unset' | 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** The steps that can be asked for, with the lowest number of each. */
export const LEVELS: readonly { level: Exclude<Level, 'unset'>; from: number }[] = [
  { level: 'trace', from: 1 },
  { level: 'debug', from: 5 },
  { level: 'info', from: 9 },
  { level: 'warn', from: 13 },
  { level: 'error', from: 17 },
  { level: 'fatal', from: 21 },
];

export function levelOf(severityNumber: number): Level {
  return LEVELS.findLast(({ from }) => severityNumber >= from)?.level ?? 'unset';
}

/** What the source called it, or the step's name. */
export function severityLabel(severityNumber: number, severityText: string): string {
  if (severityText.trim() !== '') return severityText.trim().toUpperCase();
  const level = levelOf(severityNumber);
  return level === 'unset' ? '–' : level.toUpperCase();
}

/** The lowest number of the step that a text names (`WARN`, `warning`, `13`); 0 when it names none. */
export function severityFrom(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 24) return number;
  const name = text.trim().toLowerCase();
  const found = LEVELS.find(({ level }) => name.startsWith(level));
  return found?.from ?? (name.startsWith('critical') ? 21 : name.startsWith('notice') ? 9 : 0);
}
