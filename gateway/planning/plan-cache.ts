import { LRUCache } from 'lru-cache'

/**
 * Values by the document object first and by a text second: the same document again is the usual
 * case, and an equal one, after a restart of parsing, the other. Documents that nobody holds any
 * longer are forgotten; of texts, the least used.
 */
export interface PlanCache<Value extends object> {
  get(document: object, text: () => string, variant: string): Value | undefined
  set(document: object, text: () => string, variant: string, value: Value): void
  /** The values by text, most used first. */
  values(): Iterable<Value>
}

/** @param size the most values kept by text */
export function planCache<Value extends object>(size: number): PlanCache<Value> {
  const byText = new LRUCache<string, Value>({ max: size })
  const byDocument = new WeakMap<object, Map<string, Value>>()

  return {
    get(document, text, variant) {
      const known = byDocument.get(document)?.get(variant)
      if (known) return known
      const value = byText.get(`${variant}\n${text()}`)
      if (value) remember(document, variant, value)
      return value
    },
    set(document, text, variant, value) {
      remember(document, variant, value)
      byText.set(`${variant}\n${text()}`, value)
    },
    values: () => byText.values(),
  }

  function remember(document: object, variant: string, value: Value): void {
    const variants = byDocument.get(document)
    if (variants) variants.set(variant, value)
    else byDocument.set(document, new Map([[variant, value]]))
  }
}
