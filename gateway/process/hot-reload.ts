/** One process's gateway, whose settings can be replaced while it answers. */
import type { RequestListener } from 'node:http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import type { DocumentSource } from '../authentication/fetch-document.ts'
import { authenticationMetrics } from '../authentication/metrics.ts'
import type { AgeSource } from '../authentication/metrics.ts'
import { gatewayMetrics } from './metrics.ts'
import { createServing } from './configured-gateway.ts'
import type { GatewaySettings, Served, Serving } from './configured-gateway.ts'
import { draining } from '../supergraph/draining.ts'

export interface ReloadableGatewayOptions {
  /** The file of the composed supergraph. */
  supergraph: string
  documents?: DocumentSource | undefined
  /** What all processes have served together, if there are several. */
  servedByAll?: (() => Promise<Served>) | undefined
  /** Why any of the processes cannot serve right now, if there are several. */
  unreadinessOfAll?: (() => Promise<readonly string[]>) | undefined
  log: Logger
}

export interface ReloadableGateway {
  readonly listener: RequestListener
  readonly registry: Registry
  readonly served: Served
  /** Why this process cannot serve right now, or nothing. */
  unreadiness(): readonly string[]
  /** Makes all that these settings need; nothing changes until they are adopted. */
  prepare(settings: GatewaySettings): Promise<void>
  /** Answers by what was prepared from the next request on. Those under way end as they began. */
  adopt(): void
  /** Forgets what was prepared. */
  discard(): Promise<void>
  close(): Promise<void>
}

/** So many at most may still have requests under way when another one is prepared. */
const mostDraining = 4

/** What serves, and how many requests it is answering. */
interface Road {
  readonly serving: Serving
  underWay: number
  idle: () => void
}

/** Returns the gateway, answering by these settings. */
export async function reloadableGateway(
  first: GatewaySettings,
  options: ReloadableGatewayOptions,
): Promise<ReloadableGateway> {
  const metrics = gatewayMetrics()
  const authentication = authenticationMetrics(metrics.registry)
  const served: Served = { requests: { answered: 0 }, tokens: { accepted: 0, refused: 0 } }
  // Of several authenticators after one another, the ages of the one that serves count.
  let ages: AgeSource = { keySets: () => [], revocation: () => [] }
  authentication.observe({
    keySets: () => ages.keySets(),
    revocation: () => ages.revocation(),
  })
  const replaced = draining(mostDraining)
  let road = await roadFor(first)
  ages = road.ages
  let prepared: Awaited<ReturnType<typeof roadFor>> | undefined

  return {
    registry: metrics.registry,
    served,
    unreadiness: () => road.serving.unreadiness(),
    listener(request, response) {
      const taken = road
      taken.underWay++
      response.on('close', () => {
        if (--taken.underWay === 0) taken.idle()
      })
      taken.serving.listener(request, response)
    },
    async prepare(settings) {
      await discard()
      if (replaced.isFull) await roomForAnother()
      prepared = await roadFor(settings, road.serving)
      const { serving } = prepared
      await serving.warm
      const reasons = serving.unreadiness()
      if (reasons.length === 0) return
      await discard()
      throw new StartFailure(`it is not ready: ${reasons.join('; ')}`)
    },
    adopt() {
      if (!prepared) return
      const previous = road
      road = prepared
      ages = road.ages
      prepared = undefined
      replaced.add(closeWhenIdle(previous))
    },
    discard,
    async close() {
      await discard()
      await replaced.ended()
      await road.serving.close()
    },
  }

  async function roadFor(settings: GatewaySettings, previous?: Serving) {
    let own: AgeSource = { keySets: () => [], revocation: () => [] }
    const serving = await createServing({
      ...options,
      ...settings,
      metrics,
      authenticationMetrics: { ...authentication, observe: (source) => void (own = source) },
      served,
      previous,
    })
    return { serving, ages: own, underWay: 0, idle: () => {} }
  }

  async function roomForAnother(): Promise<void> {
    const reason = `${mostDraining} earlier configurations have requests under way`
    options.log.warn({ reason }, 'the new configuration waits until one of them has none left')
    await replaced.room()
  }

  async function discard(): Promise<void> {
    const unused = prepared
    prepared = undefined
    await unused?.serving.close()
  }

  async function closeWhenIdle(previous: Road): Promise<void> {
    if (previous.underWay > 0) await new Promise<void>((ended) => (previous.idle = ended))
    await previous.serving.close().catch((cause: Error) => {
      options.log.error({ reason: cause.message }, 'what was replaced did not close cleanly')
    })
  }
}
