/** What rules for headers need of several sections of the configuration. */
import { foldedName, isIdentityHeader } from '../forwarding/header-names.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { namedIn, namesBehind } from './headers.ts'
import { namesCacheControl, subgraphSettings } from './subgraphs.ts'

/**
 * Reports rules that name a header which carries credentials, or which the gateway writes for the subgraph, and access
 * tokens for a subgraph that must not know who calls.
 */
export function checkGivenHeaders(
  { authentication, claims, subgraphs }: GatewayConfig,
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  const credentials = authentication.sources.flatMap((source) =>
    'header' in source ? [foldedName(source.header)] : [],
  )
  for (const [subgraph, { headers, pass_token: passToken }] of Object.entries(subgraphs)) {
    if (passToken && isAnonymous(claims, subgraph)) {
      const why = `contradicts claims.subgraphs.${subgraph}.anonymous: true: leave one of them out`
      problem(['subgraphs', subgraph, 'pass_token'], why)
    }
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

function isAnonymous({ subgraphs }: GatewayConfig['claims'], name: string): boolean {
  return Object.hasOwn(subgraphs, name) && subgraphs[name]!.anonymous
}

/** Returns warnings about rules that are allowed, but may do other than what they seem to. */
export function headerWarnings(config: GatewayConfig): readonly string[] {
  const { claims, subgraphs, operations } = config
  const forgeable = Object.entries(subgraphs).flatMap(([subgraph, { headers }]) => {
    const rules = headers?.request ?? []
    const names = new Set([...namedIn(rules), ...namesBehind(rules)].filter(isIdentityHeader))
    if (names.size === 0) return []
    const list = [...names].join(', ')
    return [
      `subgraphs.${subgraph}: a client can write any value into ${list}: rely on it only if a proxy replaces what clients send`,
    ]
  })
  if (!namesCacheControl(subgraphs)) return forgeable
  if (operations.manifests.length === 0) return [...forgeable, nothingCached]
  const all = [...Object.keys(subgraphs), ...Object.keys(claims.subgraphs)]
  const neverCached = [...new Set(all)]
    .filter((subgraph) => getsUnnamed(config, subgraph))
    .map(
      (subgraph) =>
        `subgraphs.${subgraph}: its responses are never cached: it gets headers by a pattern, client_headers or cookies, which Vary cannot name`,
    )
  return [...forgeable, ...neverCached]
}

const nothingCached =
  'subgraphs: a rule names cache-control, but no response may be cached without operations.manifests: only a GET of a known operation by its id may be'

/** Returns whether a subgraph gets of clients what no `Vary` can name. */
function getsUnnamed({ claims, subgraphs }: GatewayConfig, subgraph: string): boolean {
  const { request } = subgraphSettings(subgraphs, subgraph).headers
  if (request.some((rule) => 'propagate' in rule && 'matching' in rule.propagate)) return true
  if (!Object.hasOwn(claims.subgraphs, subgraph)) return false
  const { client_headers: gets, cookies } = claims.subgraphs[subgraph]!
  return gets || cookies.length > 0
}
