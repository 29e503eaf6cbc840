/** OTLP attribute values as text, with their type named. */

import type { AnyValue, KeyValue } from '../api/types';

export type ValueType = 'string' | 'bool' | 'int' | 'double' | 'array' | 'map' | 'bytes' | 'empty';

export interface ShownValue {
  type: ValueType;
  /** What is shown and copied. */
  text: string;
  /** True when the text wants lines of its own: structured, or long. */
  block: boolean;
}

const LONG_TEXT = 120;

export function showValue(value: AnyValue | null | undefined): ShownValue {
  const type = valueType(value);
  if (type === 'array' || type === 'map') return { type, ...structured(toJson(value)) };
  const text = scalarText(value);
  if (type !== 'string') return { type, text, block: text.length > LONG_TEXT };
  const json = embeddedJson(text);
  if (json !== undefined) return { type, text: JSON.stringify(json, null, 2), block: true };
  return { type, text, block: text.includes('\n') || text.length > LONG_TEXT };
}

function structured(json: unknown): { text: string; block: boolean } {
  const line = JSON.stringify(json);
  return line.length <= 60
    ? { text: line, block: false }
    : { text: JSON.stringify(json, null, 2), block: true };
}

export function valueType(value: AnyValue | null | undefined): ValueType {
  if (!value) return 'empty';
  if ('stringValue' in value) return 'string';
  if ('boolValue' in value) return 'bool';
  if ('intValue' in value) return 'int';
  if ('doubleValue' in value) return 'double';
  if ('arrayValue' in value) return 'array';
  if ('kvlistValue' in value) return 'map';
  if ('bytesValue' in value) return 'bytes';
  return 'empty';
}

function scalarText(value: AnyValue | null | undefined): string {
  const json = toJson(value);
  return json === null ? '' : String(json);
}

/** Plain JSON. Integers that a JSON number would round stay strings, bytes stay base64. */
export function toJson(value: AnyValue | null | undefined): unknown {
  if (!value) return null;
  if ('stringValue' in value) return value.stringValue;
  if ('boolValue' in value) return value.boolValue;
  if ('intValue' in value) return exactInteger(value.intValue);
  if ('doubleValue' in value) return value.doubleValue;
  if ('arrayValue' in value) return (value.arrayValue?.values ?? []).map(toJson);
  if ('kvlistValue' in value) return attributesToJson(value.kvlistValue?.values ?? []);
  if ('bytesValue' in value) return value.bytesValue;
  return null;
}

export function attributesToJson(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toJson(value)]));
}

/** The text of one attribute, or null when there is none of that name. */
export function attributeText(attributes: readonly KeyValue[], key: string): string | null {
  const found = attributes.find((attribute) => attribute.key === key);
  return found ? scalarText(found.value) : null;
}

function exactInteger(value: string | number): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Many instrumentations put JSON into a string; an object or array in there is worth indenting. */
function embeddedJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && Object.keys(json).length > 0 ? json : undefined;
  } catch {
    return undefined;
  }
}
