export type ThemeChoice = 'system' | 'light' | 'dark';

/** Read by `public/theme.js` as well, before the first paint. */
const KEY = 'fanlight.theme';
const NEXT: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' };

/** Light or dark: the system's choice until the reader makes one, which this browser then remembers. */
export class Theme {
  choice = $state<ThemeChoice>(readChoice());

  next(): void {
    this.choice = NEXT[this.choice];
    const root = document.documentElement;
    if (this.choice === 'system') delete root.dataset.theme;
    else root.dataset.theme = this.choice;
    try {
      if (this.choice === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, this.choice);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }
}

function readChoice(): ThemeChoice {
  const choice = document.documentElement.dataset.theme;
  return choice === 'light' || choice === 'dark' ? choice : 'system';
}
