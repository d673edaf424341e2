import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

export interface PlanCacheBounds<Value> {
  /** The most values that are kept. */
  readonly most: number
  /** The most that they may weigh together. */
  readonly budget: number
  readonly weigh: (value: Value) => number
}

/**
 * Returns an empty cache of values by the text of an operation. A document that was looked up before is
 * found without its text. The bounds of the cache bound its memory: a document keeps nothing alive but its
 * key.
 */
export function planCache<Value extends object>({ most, budget, weigh }: PlanCacheBounds<Value>) {
  const values = new LRUCache<string, Value>({ max: most, maxSize: budget, sizeCalculation: weigh })
  const keys = new WeakMap<object, Map<string, string>>()

  return {
    get: (document: object, text: () => string, variant: string) =>
      values.get(keyOf(document, text, variant)),
    set: (document: object, text: () => string, variant: string, value: Value) =>
      void values.set(keyOf(document, text, variant), value),
    /** Returns the values, the last used first. */
    values: () => values.values(),
  }

  function keyOf(document: object, text: () => string, variant: string): string {
    const known = keys.get(document)?.get(variant)
    if (known !== undefined) return known
    const key = createHash('sha256').update(`${variant}\n${text()}`).digest('base64')
    const variants = keys.get(document)
    if (variants) variants.set(variant, key)
    else keys.set(document, new Map([[variant, key]]))
    return key
  }
}
