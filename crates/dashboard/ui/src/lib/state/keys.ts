/** Keyboard commands of a view. */

export type Keys = Record<string, (event: KeyboardEvent) => void>;

/**
 * Runs the command for a key, unless the reader is typing, a dialog is open, or the focus is in a part that uses the
 * keys itself (marked `data-own-keys`).
 */
export function runKey(event: KeyboardEvent, keys: Keys): void {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  const command = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (!command || isTaken(event)) return;
  event.preventDefault();
  command(event);
}

function isTaken(event: KeyboardEvent): boolean {
  if (document.querySelector('dialog[open]')) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches('input, textarea, select')) return true;
  // A focused control keeps the key that presses it.
  if (event.key === 'Enter' && target.matches('a, button, summary')) return true;
  return event.key.startsWith('Arrow') && target.closest('[data-own-keys]') !== null;
}
