/** Results of a query: as text, as a file, and as what a chart is drawn from. */

import type { SqlResult, SqlValue } from '../api/types';

/** RFC 4180, with a head. */
export function toCsv(result: Pick<SqlResult, 'columns' | 'rows'>): string {
  const field = (value: SqlValue) => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [result.columns, ...result.rows].map((row) => row.map(field).join(',') + '\r\n').join('');
}

export type ColumnKind = 'number' | 'time' | 'text';

const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;

/** What the values of each column are; a column without values is text. */
export function columnKinds(result: Pick<SqlResult, 'columns' | 'rows'>): ColumnKind[] {
  return result.columns.map((_, index) => {
    const values = result.rows
      .map((row) => row[index])
      .filter((value) => value !== null && value !== undefined);
    if (values.length === 0) return 'text';
    if (values.every((value) => typeof value === 'number')) return 'number';
    return values.every((value) => typeof value === 'string' && ISO.test(value)) ? 'time' : 'text';
  });
}

/** Columns by position; `by` splits into series. */
export interface ChartColumns {
  x: number;
  y: number;
  by: number | null;
}

/** A sensible first drawing: a number over time, else over text; null where no column is a number. */
export function defaultColumns(kinds: readonly ColumnKind[]): ChartColumns | null {
  const time = kinds.indexOf('time');
  const text = kinds.indexOf('text');
  const x = time >= 0 ? time : text >= 0 ? text : 0;
  const y = kinds.findIndex((kind, index) => kind === 'number' && index !== x);
  if (y < 0) return null;
  return { x, y, by: time >= 0 && text >= 0 ? text : null };
}

export interface ChartLine {
  name: string;
  /** Places in fractions of the drawing, from left and bottom. */
  points: { x: number; y: number }[];
}

export interface ResultChart {
  kind: 'line' | 'bar';
  lines: ChartLine[];
  /** What the axes begin and end with. */
  low: number;
  high: number;
  first: string;
  last: string;
}

const MOST_LINES = 20;

export function chartOf(
  result: Pick<SqlResult, 'columns' | 'rows'>,
  kinds: readonly ColumnKind[],
  columns: ChartColumns,
): ResultChart {
  const isScale = kinds[columns.x] !== 'text';
  const names = [...new Set(result.rows.map((row) => String(row[columns.x] ?? '')))];
  const placeOf = new Map(names.map((name, index) => [name, index]));
  const position = (value: SqlValue | undefined) => {
    if (!isScale) return (placeOf.get(String(value ?? '')) ?? 0) + 0.5;
    return typeof value === 'number' ? value : Date.parse(String(value));
  };
  const points = result.rows.flatMap((row) => {
    const y = row[columns.y];
    const x = position(row[columns.x]);
    const name = columns.by === null ? (result.columns[columns.y] ?? '') : String(row[columns.by] ?? '');
    return typeof y === 'number' && Number.isFinite(x) ? [{ name, x, y }] : [];
  });
  const left = isScale ? points.reduce((least, { x }) => Math.min(least, x), Infinity) : 0;
  const right = isScale ? points.reduce((most, { x }) => Math.max(most, x), -Infinity) : names.length;
  const low = points.reduce((least, { y }) => Math.min(least, y), 0);
  const high = points.reduce((most, { y }) => Math.max(most, y), 0) || 1;
  const lines = new Map<string, ChartLine>();
  for (const { name, x, y } of points.toSorted((a, b) => a.x - b.x)) {
    const line = lines.get(name) ?? { name, points: [] };
    line.points.push({
      x: right > left ? (x - left) / (right - left) : 0.5,
      y: (y - low) / (high - low || 1),
    });
    lines.set(name, line);
  }
  return {
    kind: isScale ? 'line' : 'bar',
    lines: [...lines.values()].slice(0, MOST_LINES),
    low,
    high,
    first: isScale ? edge(result.rows, columns.x, left, position) : (names[0] ?? ''),
    last: isScale ? edge(result.rows, columns.x, right, position) : (names.at(-1) ?? ''),
  };
}

function edge(
  rows: readonly SqlValue[][],
  column: number,
  at: number,
  position: (value: SqlValue | undefined) => number,
): string {
  const row = rows.find((one) => position(one[column]) === at);
  return String(row?.[column] ?? '');
}
