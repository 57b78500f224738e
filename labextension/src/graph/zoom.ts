/** How large a drawing is: what fits, down to where its text can still be read; or as the reader wants it. */

/** Below this share of its size the text of a drawing is hard to read; then it scrolls instead. */
const LEAST_SCALE = 0.65;
const STEP = 1.25;
const LIMITS = { least: 0.05, most: 3 };

/** Buttons that make a drawing larger, smaller, or all of it visible; there when it does not fit. */
export class Zoom {
  readonly element = document.createElement('span');
  private scale: number | null = null;
  private svg: SVGSVGElement | null = null;

  /**
   * @param canvas - the box that scrolls
   * @param resized - called when it has another size, also when it gets its first one
   */
  constructor(
    private readonly canvas: HTMLElement,
    resized: () => void
  ) {
    this.element.className = 'nbhitl-Zoom';
    this.element.append(
      button('−', 'Make the drawing smaller', () => this.zoom(1 / STEP)),
      button('+', 'Make the drawing larger', () => this.zoom(STEP)),
      button('Fit', 'Show the whole drawing', () => this.fit()),
      button('1:1', 'Show the drawing in its own size', () => this.set(1))
    );
    // A box that is laid out, or changes its width, says whether the drawing fits.
    new ResizeObserver(() => {
      this.look();
      resized();
    }).observe(canvas);
  }

  /** Take a new drawing on, in the size that the reader chose for the last one. */
  take(svg: SVGSVGElement): void {
    this.svg = svg;
    this.apply();
  }

  private get width(): number {
    return Number.parseFloat(this.svg?.getAttribute('width') ?? '') || 0;
  }

  private get height(): number {
    return Number.parseFloat(this.svg?.getAttribute('height') ?? '') || 0;
  }

  private zoom(by: number): void {
    const shown = (this.svg?.getBoundingClientRect().width ?? 0) / this.width || 1;
    this.set(shown * by);
  }

  private fit(): void {
    const style = getComputedStyle(this.canvas);
    const free = (size: number, ...paddings: string[]) =>
      size - paddings.reduce((sum, padding) => sum + Number.parseFloat(padding), 0);
    const most = Number.parseFloat(style.maxHeight) || window.innerHeight;
    const across = free(this.canvas.clientWidth, style.paddingLeft, style.paddingRight) / this.width;
    const down = free(most, style.paddingTop, style.paddingBottom) / this.height;
    this.set(Math.min(1, across, down));
  }

  private set(scale: number): void {
    this.scale = Math.min(LIMITS.most, Math.max(LIMITS.least, scale || 1));
    this.apply();
  }

  private apply(): void {
    const style = this.svg?.style;
    if (style && this.scale === null) {
      style.minWidth = `${this.width * LEAST_SCALE}px`;
    } else if (style && this.scale !== null) {
      style.minWidth = '0';
      style.maxWidth = 'none';
      style.width = `${this.width * this.scale}px`;
    }
    this.look();
  }

  /** The buttons are in the way of a small graph. */
  private look(): void {
    const { canvas } = this;
    const scrolls =
      canvas.scrollWidth > canvas.clientWidth + 1 || canvas.scrollHeight > canvas.clientHeight + 1;
    this.element.hidden = !(scrolls || this.scale !== null || this.width > canvas.clientWidth);
  }
}

function button(label: string, hint: string, press: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = label;
  element.title = hint;
  element.setAttribute('aria-label', hint);
  element.addEventListener('click', press);
  return element;
}
