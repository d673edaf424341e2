import type { GatewayConfig } from '../../gateway/configuration/gateway-config.ts'
import { subgraphSettings } from '../../gateway/configuration/subgraphs.ts'

/** Which clients share a subscription. */
export interface ExplainedSharing {
  /** `subgraphs.NAME.deduplicate_subscriptions` of the subgraph that sends the events. */
  readonly deduplicated: boolean
  /** What must be equal of two callers: the first entry for one stream, all for one execution per event. */
  readonly forwarded: readonly ForwardedTo[]
}

/** What a subgraph gets to know of a caller. */
export interface ForwardedTo {
  readonly subgraph: string
  /** Claims and headers, in words; none: it gets every caller as an anonymous one. */
  readonly of: readonly string[]
}

/** @param subgraphs those of the plan, the one that sends the events first */
export function explainSharing(
  { claims, subgraphs: settings }: GatewayConfig,
  subgraphs: readonly [string, ...string[]],
): ExplainedSharing {
  const { deduplicateSubscriptions } = subgraphSettings(settings, subgraphs[0])
  const forwarded = subgraphs.map((subgraph) => ({ subgraph, of: forwardedTo(subgraph) }))
  return { deduplicated: deduplicateSubscriptions, forwarded }

  function forwardedTo(subgraph: string): string[] {
    const entry = Object.hasOwn(claims.subgraphs, subgraph) ? claims.subgraphs[subgraph] : undefined
    const names = entry?.anonymous ? [] : ['sub', ...(entry?.forward ?? claims.forward)]
    return [
      ...new Set(names),
      ...(entry?.client_headers ? ['address and agent of the client'] : []),
      ...(entry?.cookies ?? []).map((cookie) => `cookie ${cookie}`),
    ]
  }
}

/** Returns the lines for a terminal. */
export function sharingText({ deduplicated, forwarded }: ExplainedSharing): string[] {
  const { subgraph } = forwarded[0]!
  if (!deduplicated) {
    return [
      `Sharing: none, each client has a stream of its own at ${subgraph}, as deduplicate_subscriptions is false.`,
    ]
  }
  const list = forwarded.map(({ subgraph, of }) => `  ${subgraph}: ${of.join(', ') || 'nothing'}`)
  return [
    `Sharing: one stream of ${subgraph} for all callers of whom the same is forwarded to it, and one execution`,
    'per event for those of whom the same is forwarded to each subgraph. Forwarded are:',
    ...list,
  ]
}
