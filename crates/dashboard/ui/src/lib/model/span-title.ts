/** What a span is called on the page. */

import type { Span, TraceSummary } from '../api/types';
import { attributeText } from './value';

/** A span's name with its arguments filled in, as Logfire's and Fanlight's SDKs send it. */
export const MESSAGE_ATTRIBUTE = 'logfire.msg';

/** The message where there is one, else the name. */
export function spanTitle(span: Pick<Span, 'name' | 'attributes'>): string {
  return attributeText(span.attributes, MESSAGE_ATTRIBUTE) || span.name || 'unnamed';
}

/** The same for a whole trace: what its root says. */
export function traceTitle(trace: Pick<TraceSummary, 'rootMessage' | 'rootName'>): string {
  return trace.rootMessage || trace.rootName || 'unnamed';
}
