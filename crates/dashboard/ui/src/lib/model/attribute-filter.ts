/** Filters by attribute as the URL and the API write them: `key=value`. */

import type { KeyValue } from '../api/types';
import { attributeText } from './value';

export function isAttributeFilter(text: string): boolean {
  return text.indexOf('=') > 0;
}

export function splitAttributeFilter(text: string): { key: string; value: string } {
  const at = text.indexOf('=');
  return { key: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

/** What a person types, `http.route = /cart`, as a filter; null when it is none. */
export function typedAttributeFilter(text: string): string | null {
  if (!isAttributeFilter(text)) return null;
  const { key, value } = splitAttributeFilter(text);
  return key === '' ? null : `${key}=${value}`;
}

/** The filters with one more, or without it where it was there. */
export function toggledFilter(filters: readonly string[], filter: string): string[] {
  return filters.includes(filter) ? filters.filter((other) => other !== filter) : [...filters, filter];
}

/** True when each filter is met by one of the lists. */
export function holdsAttributes(filters: readonly string[], ...lists: (readonly KeyValue[])[]): boolean {
  return filters.every((filter) => {
    const { key, value } = splitAttributeFilter(filter);
    return lists.some((list) => attributeText(list, key) === value);
  });
}
