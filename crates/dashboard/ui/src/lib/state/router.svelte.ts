import { parseRoute, type Route } from '../model/route';

/** A list stands in the URL as one parameter for each of its values. */
export type QueryChanges = Record<string, string | readonly string[] | null>;

/** The URL as state. It alone says what is shown; views read it and change it here. */
export class Router {
  #url = $state.raw(new URL(location.href));
  readonly route: Route = $derived(parseRoute(this.#url.pathname));
  readonly query: URLSearchParams = $derived(this.#url.searchParams);

  /** Follows the browser's history and the page's links. Returns the function that stops it. */
  start(): () => void {
    const follow = () => (this.#url = new URL(location.href));
    const click = (event: MouseEvent) => {
      const href = internalLink(event);
      if (href === null) return;
      event.preventDefault();
      this.go(href);
    };
    addEventListener('popstate', follow);
    document.addEventListener('click', click);
    return () => {
      removeEventListener('popstate', follow);
      document.removeEventListener('click', click);
    };
  }

  go(href: string): void {
    history.pushState(null, '', href);
    this.#url = new URL(location.href);
  }

  /** Changes parameters in place, without a step in the history. Empty values leave the URL. */
  setQuery(changes: QueryChanges): void {
    const url = new URL(this.#url);
    applyChanges(url.searchParams, changes);
    if (url.href === this.#url.href) return;
    history.replaceState(null, '', url);
    this.#url = url;
  }

  /** The current page with some parameters changed, for a link. */
  link(changes: QueryChanges): string {
    const search = new URLSearchParams(this.#url.searchParams);
    applyChanges(search, changes);
    const text = search.toString();
    return text === '' ? this.#url.pathname : `${this.#url.pathname}?${text}`;
  }
}

function applyChanges(search: URLSearchParams, changes: QueryChanges): void {
  for (const [key, value] of Object.entries(changes)) {
    search.delete(key);
    const values = typeof value === 'string' ? [value] : (value ?? []);
    for (const one of values) if (one !== '') search.append(key, one);
  }
}

/** The target of a plain click on a link inside the page; null for everything that the browser should handle. */
function internalLink(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0) return null;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return null;
  return link.href;
}
