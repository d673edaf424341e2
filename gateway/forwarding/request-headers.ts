/** Headers of the client that a subgraph is configured to get. */
import { remembered } from '../values/remembered.ts'
import { foldedName, mayMatchForSubgraph, whyNeverSent } from './header-names.ts'
import { headerRules } from './header-rules.ts'
import type { HeaderRule, ReceivedHeaders } from './header-rules.ts'
import { writtenAsSelected } from './forwarded-headers.ts'
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'

/**
 * Returns the entry of the client's headers that the rules name.
 *
 * @param taken names that no header of a client may have behind the gateway: those that the gateway writes for this
 *   subgraph, whether or not a caller has a value for them, and those that carry credentials
 */
export function requestHeaders(
  rules: readonly HeaderRule[],
  taken: readonly string[],
): ForwardedHeader<Headers> {
  const others = new Set(taken.map(foldedName))
  const mayPass = (name: string) => !others.has(foldedName(name)) && !whyNeverSent(name)
  const apply = headerRules(rules, mayPass, mayMatchForSubgraph)
  // All requests to the subgraph for one request or connection of a client have the same.
  const results = new WeakMap<ReceivedHeaders, Headers>()
  return writtenAsSelected(({ headers = none }) => remembered(results, headers, selected))

  function selected(headers: ReceivedHeaders): Headers {
    const selected: Record<string, string> = {}
    for (const [name, { value }] of apply(headers)) selected[name] = value
    return selected
  }
}

const none: ReceivedHeaders = {}
