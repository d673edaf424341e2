/** Subscriptions and WebSockets, as the configuration has them. */
import type { Logger } from 'pino'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import type { Gateway } from '../gateway.ts'
import { requestOrigins } from '../http/client-address.ts'
import { configuredRealm } from './configured-resource.ts'
import type { LiveParts } from '../streaming/live-parts.ts'
import { webSocketUpgrade } from '../streaming/websocket-upgrade.ts'
import type { Upgrade } from '../streaming/websocket-upgrade.ts'

/** What subscriptions have that no configuration decides. */
type GivenLiveParts = Pick<LiveParts, 'connections' | 'observer' | 'onStream' | 'onEnded' | 'log'>

/** Returns what subscriptions need; undefined where they are not served. */
export function liveParts(
  { subscriptions, authentication, http, engine }: GatewayConfig,
  { recheck, isSameLogin }: Pick<Authenticator, 'recheck' | 'isSameLogin'>,
  given: GivenLiveParts,
): LiveParts | undefined {
  if (!subscriptions.enabled || engine !== 'native') return undefined
  const { heartbeat, operationsPerConnection, queue } = subscriptions
  const { sources } = authentication
  return {
    ...given,
    recheck,
    isSameLogin,
    credentialHeaders: [
      'authorization',
      ...sources.flatMap((source) => ('header' in source ? [source.header] : [])),
    ],
    heartbeat,
    operationsPerConnection,
    deadline: http.deadline,
    queue,
  }
}

export interface ConfiguredUpgradeParts extends Pick<Gateway, 'connect'> {
  live: LiveParts | undefined
  log: Logger
}

/** Returns the function that opens WebSockets. */
export function configuredUpgrade(
  { http, subscriptions }: GatewayConfig,
  { live, connect, log }: ConfiguredUpgradeParts,
): Upgrade {
  return webSocketUpgrade({
    live,
    connect,
    initTimeout: subscriptions.initTimeout,
    originOf: requestOrigins(http.trustedProxies),
    cors: http.cors,
    messageLimit: http.bodyLimit,
    realm: configuredRealm(http),
    onFailure: (cause) => log.error({ err: cause }, 'unforeseen error'),
  })
}
