import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/**
 * Values by the text of an operation. A document that was looked up before is found without its text.
 * The bounds of the cache bound its memory: a document keeps nothing alive but its key.
 */
export interface PlanCache<Value extends object> {
  get(document: object, text: () => string, variant: string): Value | undefined
  set(document: object, text: () => string, variant: string, value: Value): void
  /** Returns the values, the last used first. */
  values(): Iterable<Value>
}

export interface PlanCacheBounds<Value> {
  /** The most values that are kept. */
  readonly most: number
  /** The most that they may weigh together; default: no limit. */
  readonly budget?: number | undefined
  readonly weigh?: ((value: Value) => number) | undefined
}

/** Returns an empty cache. */
export function planCache<Value extends object>({
  most,
  budget = Number.MAX_SAFE_INTEGER,
  weigh = () => 1,
}: PlanCacheBounds<Value>): PlanCache<Value> {
  const values = new LRUCache<string, Value>({ max: most, maxSize: budget, sizeCalculation: weigh })
  const keys = new WeakMap<object, Map<string, string>>()

  return {
    get: (document, text, variant) => values.get(keyOf(document, text, variant)),
    set: (document, text, variant, value) => {
      values.set(keyOf(document, text, variant), value)
    },
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
