/** Values that come from JSON. */

/** Returns whether the value is an object: neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns whether no more than that many lists and objects are inside each other. */
export function isWithinNesting(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  for (const key in value) {
    if (!isWithinNesting((value as Record<string, unknown>)[key], levels - 1)) return false
  }
  return true
}
