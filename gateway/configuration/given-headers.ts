/** What rules for headers need of several sections of the configuration. */
import { foldedName } from '../forwarding/header-names.ts'
import type { GatewayConfig } from './gateway-config.ts'

/** Reports rules that name a header which carries credentials, or which the gateway writes for the subgraph. */
export function checkGivenHeaders(
  { authentication, claims, subgraphs }: GatewayConfig,
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  const credentials = authentication.sources.flatMap((source) =>
    'header' in source ? [foldedName(source.header)] : [],
  )
  for (const [subgraph, { headers }] of Object.entries(subgraphs)) {
    for (const [index, rule] of (headers?.request ?? []).entries()) {
      if (!('propagate' in rule) || !('named' in rule.propagate)) continue
      const { named, rename } = rule.propagate
      const at = ['subgraphs', subgraph, 'headers', 'request', index, 'propagate']
      for (const name of named) {
        const key = rename === undefined ? 'named' : 'rename'
        const why = whyNot(name, rename ?? name, subgraph)
        if (why) problem([...at, key], why)
      }
    }
  }

  function whyNot(name: string, target: string, subgraph: string): string | undefined {
    if ([name, target].some((one) => credentials.includes(foldedName(one)))) {
      return `"${name}" may carry an access token: set pass_token: true for each subgraph that needs it`
    }
    const writer = Object.entries(claims.subgraphs).find(
      ([of, { headers }]) =>
        (subgraph === 'all' || subgraph === of) &&
        Object.keys(headers).some((own) => foldedName(own) === foldedName(target)),
    )
    return (
      writer && `"${target}" is in claims.subgraphs.${writer[0]}.headers: the gateway writes it`
    )
  }
}
