/** Which node an arrow key leads to. */

export type Arrow = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

/** The part of an element's place that is needed here. */
export interface Rect {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** How much worse a step to the side is than one ahead. */
const SIDEWAYS = 3;

export function isArrow(key: string): key is Arrow {
  return key === 'ArrowLeft' || key === 'ArrowRight' || key === 'ArrowUp' || key === 'ArrowDown';
}

/** The nearest place that lies in the direction of an arrow, by its number; null when there is none. */
export function nearest(arrow: Arrow, from: Rect, places: readonly Rect[]): number | null {
  const start = centre(from);
  let best: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  places.forEach((place, n) => {
    const { x, y } = centre(place);
    const [dx, dy] = [x - start.x, y - start.y];
    const [ahead, aside] = {
      ArrowLeft: [-dx, dy],
      ArrowRight: [dx, dy],
      ArrowUp: [-dy, dx],
      ArrowDown: [dy, dx]
    }[arrow] as [number, number];
    const far = ahead + SIDEWAYS * Math.abs(aside);
    if (ahead > 1 && far < least) {
      least = far;
      best = n;
    }
  });
  return best;
}

function centre({ left, right, top, bottom }: Rect): { x: number; y: number } {
  return { x: (left + right) / 2, y: (top + bottom) / 2 };
}
