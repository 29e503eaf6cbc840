/** What the command palette offers. */

import { listLink, PLACES, traceLink } from './route';

export interface Command {
  title: string;
  /** Where it leads, or what kind of thing it is. */
  hint: string;
  /** A link, or the name of something that the page does. */
  href?: string;
  action?: 'theme' | 'help';
}

/** Everything that fits the text, the best first: places, services, a trace by its id, searches. */
export function findCommands(text: string, services: readonly string[]): Command[] {
  const typed = text.trim();
  const id = /^[0-9a-f]{32}$/i.test(typed) ? typed.toLowerCase() : null;
  if (id !== null) return [{ title: `Trace ${id}`, hint: 'open', href: traceLink(id) }];
  const fixed: Command[] = [
    ...PLACES.map(({ view, title }) => ({ title, hint: 'page', href: listLink(view, {}) })),
    { title: 'Service map', hint: 'page', href: listLink('services', { view: 'map' }) },
    { title: 'Failed traces', hint: 'traces', href: listLink('traces', { errors: 'true' }) },
    { title: 'Failed LLM calls', hint: 'LLM calls', href: listLink('llm', { errors: 'true' }) },
    { title: 'Dearest LLM calls', hint: 'LLM calls', href: listLink('llm', { sort: 'cost' }) },
    { title: 'Cost by user', hint: 'cost', href: listLink('cost', { by: 'user' }) },
    { title: 'Error logs', hint: 'logs', href: listLink('logs', { severityMin: '17' }) },
    ...services.flatMap((service) => [
      { title: service, hint: 'service', href: listLink('services', { service }) },
      { title: `${service}: traces`, hint: 'traces', href: listLink('traces', { service }) },
      { title: `${service}: logs`, hint: 'logs', href: listLink('logs', { service }) },
      { title: `${service}: LLM calls`, hint: 'LLM calls', href: listLink('llm', { service }) },
    ]),
    { title: 'Light, dark, or as the system', hint: 'colours', action: 'theme' },
    { title: 'Keyboard help', hint: 'help', action: 'help' },
  ];
  if (typed === '') return fixed;
  const words = typed.toLowerCase().split(/\s+/);
  const fitting = fixed
    .filter(({ title, hint }) => words.every((word) => `${title} ${hint}`.toLowerCase().includes(word)))
    .sort((a, b) => rank(a.title, words) - rank(b.title, words));
  return [
    ...fitting,
    { title: `Search traces for “${typed}”`, hint: 'traces', href: listLink('traces', { q: typed }) },
    { title: `Search logs for “${typed}”`, hint: 'logs', href: listLink('logs', { q: typed }) },
    { title: `Search LLM calls for “${typed}”`, hint: 'LLM calls', href: listLink('llm', { q: typed }) },
    { title: `Search sessions for “${typed}”`, hint: 'sessions', href: listLink('sessions', { q: typed }) },
  ];
}

/** What begins with the first word comes before what only holds it. */
function rank(title: string, words: readonly string[]): number {
  return title.toLowerCase().startsWith(words[0] ?? '') ? 0 : 1;
}
