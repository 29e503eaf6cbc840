import type { Theme } from './theme.svelte';

const DARK = '(prefers-color-scheme: dark)';

/** The colours of app.css as a canvas takes them. Read inside an effect, it runs again when light and dark change. */
export class Palette {
  readonly #theme: Theme;
  readonly #known = new Map<string, string>();
  #dark = $state(matchMedia(DARK).matches);
  #probe: HTMLElement | null = null;

  constructor(theme: Theme) {
    this.#theme = theme;
  }

  start(): () => void {
    const system = matchMedia(DARK);
    const follow = () => (this.#dark = system.matches);
    system.addEventListener('change', follow);
    return () => system.removeEventListener('change', follow);
  }

  /** What a CSS colour such as `var(--line)` is at present. */
  of(colour: string): string {
    const key = `${this.#theme.choice} ${this.#dark} ${colour}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      this.#probe ??= document.body.appendChild(
        Object.assign(document.createElement('span'), { hidden: true }),
      );
      this.#probe.style.color = colour;
      known = getComputedStyle(this.#probe).color;
      this.#known.set(key, known);
    }
    return known;
  }
}
