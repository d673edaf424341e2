/** Subscriptions and WebSockets, as the configuration has them. */
import type { Logger } from 'pino'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import type { Gateway } from '../gateway.ts'
import { requestOrigins } from '../http/client-address.ts'
import { configuredRealm } from './configured-resource.ts'
import { liveConnections } from '../streaming/live-connections.ts'
import type { LiveParts } from '../streaming/live-parts.ts'
import type { LiveObserver } from '../streaming/live-observer.ts'
import { webSocketUpgrade } from '../streaming/websocket-upgrade.ts'
import type { Upgrade } from '../streaming/websocket-upgrade.ts'

export interface ConfiguredUpgradeParts extends Pick<Gateway, 'connect'> {
  live: LiveParts | undefined
  observer: LiveObserver
  log: Logger
}

/** Returns what subscriptions need; undefined where they are not served. */
export function liveParts(
  { subscriptions, engine }: GatewayConfig,
  { recheck, isSameLogin }: Pick<Authenticator, 'recheck' | 'isSameLogin'>,
  { observer, onEnded, log }: Pick<LiveParts, 'observer' | 'onEnded' | 'log'>,
): LiveParts | undefined {
  if (!subscriptions.enabled || engine !== 'native') return undefined
  const { connections, connectionsPerCaller, operationsPerCaller, heartbeat, queue } = subscriptions
  return {
    connections: liveConnections({ connections, connectionsPerCaller, operationsPerCaller }),
    recheck,
    isSameLogin,
    heartbeat,
    queue,
    observer,
    onEnded,
    log,
  }
}

/** Returns the function that opens WebSockets. */
export function configuredUpgrade(
  { http, authentication, subscriptions }: GatewayConfig,
  { live, connect, observer, log }: ConfiguredUpgradeParts,
): Upgrade {
  const { sources } = authentication
  return webSocketUpgrade({
    ...subscriptions,
    connections: live?.connections,
    observer,
    connect,
    originOf: requestOrigins(http.trustedProxies),
    credentialHeaders: [
      'authorization',
      ...sources.flatMap((source) => ('header' in source ? [source.header] : [])),
    ],
    cors: http.cors,
    messageLimit: http.bodyLimit,
    operations: subscriptions.operationsPerConnection,
    deadline: http.deadline,
    realm: configuredRealm(http),
    onClosed: (code, reason) => log.debug({ code, reason }, 'WebSocket closed'),
    onFailure: (cause) => log.error({ err: cause }, 'unforeseen error'),
  })
}
