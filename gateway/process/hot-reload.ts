/** The gateway of one process, with settings that can be replaced while it serves. */
import type { RequestListener } from 'node:http'
import type { Registry } from 'prom-client'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { authenticationMetrics } from '../authentication/metrics.ts'
import type { AgeSource } from '../authentication/metrics.ts'
import type { AddOperation } from '../telemetry/operation-labels.ts'
import { liveConnections } from '../streaming/live-connections.ts'
import { openUpstreams } from '../streaming/upstreams.ts'
import type { Upgrade } from '../streaming/websocket-upgrade.ts'
import { draining } from '../supergraph/draining.ts'
import { createConfiguredGateway } from './configured-gateway.ts'
import type {
  ConfiguredGateway,
  ConfiguredGatewayParts,
  GatewaySettings,
} from './configured-gateway.ts'
import { giveMemoryBackAtRest } from './memory-at-rest.ts'
import { gatewayMetrics } from './metrics.ts'
import { requestsInProgress } from './requests-in-progress.ts'
import type { RequestsInProgress } from './requests-in-progress.ts'
import { nothingServed } from './served-counts.ts'
import type { ServedCounts } from './served-counts.ts'
import { sharedBuckets } from './shared-buckets.ts'

/** What every gateway of the process gets, whatever its settings. */
export interface ReloadableGatewayOptions extends Pick<
  ConfiguredGatewayParts,
  | 'supergraph'
  | 'dataDirectory'
  | 'documents'
  | 'openManifest'
  | 'registeredTexts'
  | 'callbacks'
  | 'servedByAll'
  | 'unreadinessOfAll'
  | 'accessLog'
  | 'usage'
  | 'operations'
  | 'grantPoints'
  | 'log'
> {
  /** Decides which operations have a label of their own in the metrics. */
  readonly addOperation: AddOperation
}

export interface ReloadableGateway {
  readonly listener: RequestListener
  /** Opens a WebSocket, or responds with a refusal. */
  readonly upgrade: Upgrade
  readonly registry: Registry
  readonly served: ServedCounts
  /** Why this process cannot serve right now; empty if it can. */
  unreadiness(): readonly string[]
  /** The settings by which it serves. */
  settings(): GatewaySettings
  /** Makes `/ready` respond with 503, so that balancers choose others. */
  announceStop(): void
  /** Ends subscriptions and WebSockets within these milliseconds: their clients find another process. */
  restartLive(longest: number): Promise<void>
  /** Builds a gateway for these settings; nothing changes until it is adopted. */
  prepare(settings: GatewaySettings): Promise<void>
  /** Serves later requests with the prepared gateway; requests in progress complete with the old one. */
  adopt(): void
  /** Closes the prepared gateway. */
  discard(): Promise<void>
  close(): Promise<void>
}

/** How many earlier gateways may be draining when another one is prepared. */
const mostDraining = 4

/** A gateway for certain settings. */
interface ActiveGateway {
  readonly settings: GatewaySettings
  readonly gateway: ConfiguredGateway
  readonly ages: AgeSource
  readonly requests: RequestsInProgress
}

/** Returns a gateway that serves with these settings until others are adopted. */
export async function createReloadableGateway(
  settings: GatewaySettings,
  options: ReloadableGatewayOptions,
): Promise<ReloadableGateway> {
  const metrics = gatewayMetrics({
    linesLost: () => options.accessLog?.lost ?? 0,
    addOperation: options.addOperation,
  })
  const authentication = authenticationMetrics(metrics.registry)
  const served = nothingServed()
  const upstreams = openUpstreams(metrics.live)
  const connections = liveConnections(() => current.settings.config.subscriptions)
  const buckets = sharedBuckets(settings.config.rates.memory)
  const drainingGateways = draining(mostDraining)
  let isStopping = false
  let current = await activeGateway(settings)
  let prepared: ActiveGateway | undefined
  // During a reload there are several authenticators: the metrics show the ages of the current one.
  authentication.observe({
    keySets: () => current.ages.keySets(),
    revocation: () => current.ages.revocation(),
  })

  const endRests = giveMemoryBackAtRest(() => served.requests.answered)

  return {
    registry: metrics.registry,
    served,
    unreadiness: () => current.gateway.unreadiness(),
    settings: () => current.settings,
    announceStop: () => void (isStopping = true),
    restartLive: connections.restartAll,
    upgrade: (...request) => current.gateway.upgrade(...request),
    listener(request, response) {
      const { requests, gateway } = current
      requests.add(response)
      gateway.listener(request, response)
    },
    async prepare(settings) {
      await discard()
      await drainingGateways.room(reportWaiting)
      prepared = await activeGateway(settings, current.gateway)
      const { gateway } = prepared
      await gateway.warm
      const reasons = gateway.unreadiness()
      if (reasons.length === 0) return
      await discard()
      throw new StartFailure(`it is not ready: ${reasons.join('; ')}`)
    },
    adopt() {
      if (!prepared) return
      const previous = current
      current = prepared
      prepared = undefined
      drainingGateways.add(retire(previous))
    },
    discard,
    async close() {
      endRests()
      await discard()
      await drainingGateways.ended()
      await current.gateway.close()
      await upstreams.close()
      options.accessLog?.flush()
    },
  }

  async function activeGateway(
    settings: GatewaySettings,
    previous?: ConfiguredGateway,
  ): Promise<ActiveGateway> {
    let ages: AgeSource = { keySets: () => [], revocation: () => [] }
    const requests = requestsInProgress()
    const gateway = await createConfiguredGateway({
      ...options,
      ...settings,
      metrics,
      authenticationMetrics: { ...authentication, observe: (source) => void (ages = source) },
      served,
      upstreams,
      connections,
      serving: () => current.gateway.ofConnections,
      onStream: requests.remove,
      buckets,
      isStopping: () => isStopping,
      previous,
    })
    return { settings, gateway, ages, requests }
  }

  function reportWaiting(): void {
    const reason = `${mostDraining} earlier configurations have requests in flight`
    options.log.warn({ reason }, 'the new configuration waits until one of them has none left')
  }

  async function discard(): Promise<void> {
    const unused = prepared
    prepared = undefined
    await unused?.gateway.close()
  }

  /** Connections stay open: their callers are judged by the current settings, and their subscriptions move to them. */
  async function retire({ gateway, requests }: ActiveGateway): Promise<void> {
    try {
      await connections.checkAll()
      await gateway.moveSubscriptions()
      await requests.ended()
      await gateway.close()
    } catch (cause) {
      const reason = (cause as Error).message
      options.log.error({ reason }, 'an earlier gateway did not close cleanly')
    }
  }
}
