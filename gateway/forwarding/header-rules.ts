/** Rules for headers that pass the gateway, in either direction. They are applied in order. */
import { connectionOptions } from './header-names.ts'
import { namePatterns } from './name-pattern.ts'

/** The headers that a rule is about, in lower case. */
export type HeaderSelection =
  | { readonly named: readonly string[] }
  /** In a pattern, `*` stands for any number of characters. */
  | { readonly matching: readonly string[] }

/** Headers that pass. The first rule that sets a header counts. */
export type PropagateRule = HeaderSelection & {
  /** The name behind the gateway; undefined: the same. */
  readonly rename?: string | undefined
  /** The value where the sender has none; undefined: then there is no header. */
  readonly default?: string | undefined
  /** Which value counts if several responses have it; default the first. Of a request there is only one. */
  readonly algorithm?: 'first' | 'last' | 'append' | undefined
}

export type HeaderRule =
  | { readonly propagate: PropagateRule }
  /** Takes back what an earlier rule has set, by its name behind the gateway. */
  | { readonly remove: HeaderSelection }

/** The values of each header, by its name in lower case. */
export type ReceivedHeaders = Readonly<Record<string, readonly string[] | undefined>>

/** A header that passes, and the rule that says so. */
export interface PassedBy {
  readonly value: string
  readonly rule: PropagateRule
}

/** Applies a rule. `ended` are the headers that end at the gateway, as `Connection` says. */
type Apply = (
  passed: Map<string, PassedBy>,
  received: ReceivedHeaders,
  ended: ReadonlySet<string>,
) => void

/**
 * Returns the function that applies the rules to the headers of a message; it returns those that pass, by their names
 * behind the gateway.
 *
 * @param mayPass whether a header of that name may pass by name
 * @param mayMatch whether it may pass by a pattern
 */
export function headerRules(
  rules: readonly HeaderRule[],
  mayPass: (name: string) => boolean,
  mayMatch: (name: string) => boolean,
): (received: ReceivedHeaders) => ReadonlyMap<string, PassedBy> {
  const steps = rules.map((rule): Apply => {
    if ('remove' in rule) return removal(rule.remove)
    return 'named' in rule.propagate ? byName(rule.propagate) : byPattern(rule.propagate)
  })

  return (received) => {
    const passed = new Map<string, PassedBy>()
    const ended = connectionOptions(received['connection'])
    for (const apply of steps) apply(passed, received, ended)
    return passed
  }

  function byName(rule: PropagateRule & { readonly named: readonly string[] }): Apply {
    const names = rule.named.filter((name) => mayPass(rule.rename ?? name))
    return (passed, received, ended) => {
      for (const name of names) {
        const value = (ended.has(name) ? undefined : valueOf(received, name)) ?? rule.default
        const target = rule.rename ?? name
        if (value !== undefined && !passed.has(target)) passed.set(target, { value, rule })
      }
    }
  }

  function byPattern(rule: PropagateRule & { readonly matching: readonly string[] }): Apply {
    const matches = namePatterns(rule.matching)
    return (passed, received, ended) => {
      // In one order, whatever the order of the sender: what is equal has an equal key.
      for (const name of Object.keys(received).sort()) {
        if (passed.has(name) || ended.has(name) || !matches(name)) continue
        if (!mayMatch(name) || !mayPass(name)) continue
        const value = valueOf(received, name)
        if (value !== undefined) passed.set(name, { value, rule })
      }
    }
  }

  function removal(selection: HeaderSelection): Apply {
    const isMeant =
      'named' in selection
        ? (name: string) => selection.named.includes(name)
        : namePatterns(selection.matching)
    return (passed) => {
      for (const name of [...passed.keys()]) if (isMeant(name)) passed.delete(name)
    }
  }
}

/**
 * Returns the values of a header as one (RFC 9110 section 5.3); undefined if it is absent, or has a character that
 * no field may have (section 5.5).
 */
function valueOf(received: ReceivedHeaders, name: string): string | undefined {
  const values = Object.hasOwn(received, name) ? received[name] : undefined
  if (values === undefined || values.length === 0) return undefined
  const value = values.join(', ')
  return isFieldValue(value) ? value : undefined
}

/** Returns whether a text has only characters that the value of a field may have (RFC 9110 section 5.5). */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}
