const KEY = 'fanlight.names-width';
const NARROW = '(max-width: 720px)';

/** How much room there is, and how the reader divides it. */
export class Layout {
  /** A telephone's width: rows take two lines, details cover the list. */
  narrow = $state(matchMedia(NARROW).matches);
  /** Of the waterfall's column of names, in pixels. */
  namesWidth = $state(readWidth());

  start(): () => void {
    const query = matchMedia(NARROW);
    const follow = () => (this.narrow = query.matches);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }

  setNamesWidth(width: number): void {
    this.namesWidth = Math.round(Math.min(Math.max(width, 160), 720));
    try {
      localStorage.setItem(KEY, String(this.namesWidth));
    } catch {
      // Storage may be forbidden; the width then lasts as long as the page.
    }
  }
}

function readWidth(): number {
  try {
    const width = Number(localStorage.getItem(KEY));
    return width >= 160 && width <= 720 ? width : 320;
  } catch {
    return 320;
  }
}
