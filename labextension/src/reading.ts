/** Small readers of unchecked data, put together into larger ones. None of them throws. */

/** The value when it is of the right shape, else undefined: `null` is a value. */
export type Read<T> = (data: unknown) => T | undefined;

export const text: Read<string> = data => (typeof data === 'string' ? data : undefined);

export const flag: Read<boolean> = data => (typeof data === 'boolean' ? data : undefined);

export const count: Read<number> = data =>
  typeof data === 'number' && Number.isInteger(data) && data >= 0 ? data : undefined;

export function oneOf<const T extends string>(words: readonly T[]): Read<T> {
  return data => words.find(word => word === data);
}

/** What is left out has a value all the same. */
export function or<T>(read: Read<T>, fallback: T): Read<T> {
  return data => (data === undefined ? fallback : read(data));
}

export function orNull<T>(read: Read<T>): Read<T | null> {
  return data => (data === null ? null : read(data));
}

/** All items read, or nothing when one of them is damaged. */
export function listOf<T>(read: Read<T>): Read<readonly T[]> {
  return data => {
    if (!Array.isArray(data)) {
      return undefined;
    }
    const items: T[] = [];
    for (const item of data) {
      const value = read(item);
      if (value === undefined) {
        return undefined;
      }
      items.push(value);
    }
    return items;
  };
}

/** An object with these fields; others are left out. */
export function shapeOf<T extends object>(fields: { readonly [K in keyof T]-?: Read<T[K]> }): Read<T> {
  const readers = Object.entries(fields) as [string, Read<unknown>][];
  return data => {
    if (!isRecord(data)) {
      return undefined;
    }
    const found: Record<string, unknown> = {};
    for (const [name, read] of readers) {
      const value = read(Object.hasOwn(data, name) ? data[name] : undefined);
      if (value === undefined) {
        return undefined;
      }
      found[name] = value;
    }
    return found as T;
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two values that were read are the same all the way down. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, n) => isSame(item, b[n]));
  }
  if (isRecord(a) && isRecord(b)) {
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every(name => isSame(a[name], b[name]));
  }
  return false;
}
