/**
 * A gateway for the warm-up of its process: with the configuration and the plans of the one that will serve, and
 * an issuer, subgraphs, caches, counters and secrets of its own, which end with it.
 */
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { Pool } from 'undici'
import { authenticator } from '../../authentication/authenticator.ts'
import type { Authenticator } from '../../authentication/authenticator.ts'
import { FetchFailure } from '../../authentication/fetch-failure.ts'
import { tokenCookieFinder } from '../../authentication/find-token.ts'
import type { PolicyDecider } from '../../authorization/policies.ts'
import { claimRules } from '../../configuration/claims.ts'
import type { GatewayConfig } from '../../configuration/gateway-config.ts'
import { createGateway } from '../../gateway.ts'
import type { Supergraph } from '../../supergraph/read-supergraph.ts'
import { openUpstreams } from '../../streaming/upstreams.ts'
import type { SchemaVersion } from '../../supergraph/schema-version.ts'
import { labelledOperations } from '../../telemetry/operation-labels.ts'
import { subjectPseudonyms } from '../../telemetry/subject-pseudonym.ts'
import type { AccessLogOutput } from '../access-log-output.ts'
import { configuredAccessLog } from '../configured-access-log.ts'
import { configuredRealm } from '../configured-resource.ts'
import { configuredSubgraph } from '../configured-subgraph.ts'
import { requestMetrics } from '../metrics.ts'
import { requestListener } from '../request-listener.ts'
import { nothingServed } from '../served-counts.ts'
import { localServer } from './local-server.ts'
import type { LocalServer } from './local-server.ts'
import { madeUpIssuer } from './made-up-issuer.ts'
import type { MadeUpIssuer } from './made-up-issuer.ts'
import { madeUpSubgraphs } from './made-up-subgraphs.ts'

export interface RehearsedGateway {
  /** Sends a request, as one of several callers, and returns its status. */
  post(body: string): Promise<number>
  close(): Promise<void>
}

/** More than the authenticator remembers: most tokens are verified each time. */
const callerCount = 16
const mostCallersKnown = 4

const nowhere: AccessLogOutput = { write() {}, flush() {}, lost: 0 }
const silent = pino({ level: 'silent' })

/** Decides in favour of every request. */
const granting: PolicyDecider = {
  decide: async ({ policies }) => new Set(policies),
  knows: () => true,
}

/** Returns it once it accepts connections, on this machine only. */
export async function rehearsedGateway(
  config: GatewayConfig,
  version: SchemaVersion,
  supergraph: Supergraph,
): Promise<RehearsedGateway> {
  const server = await localServer()
  return gatewayBehind(server, config, version, supergraph).catch((cause) => {
    server.close()
    throw cause
  })
}

async function gatewayBehind(
  server: LocalServer,
  config: GatewayConfig,
  version: SchemaVersion,
  supergraph: Supergraph,
): Promise<RehearsedGateway> {
  // What this secret signs is worth nothing to a real subgraph.
  const secret = randomSecret()
  const subgraphs = `/${randomSecret()}`
  server.serve(subgraphs, madeUpSubgraphs(supergraph.document))
  // It has a registry of its own: nobody reads what it counts.
  const metrics = requestMetrics(new Registry(), labelledOperations())
  const rehearsal = version.rehearsal({
    url: server.origin + subgraphs,
    // Nothing is subscribed to: callbacks would need their port.
    subgraph: (name) => ({
      ...configuredSubgraph(name, config, secret),
      subscriptionProtocol: 'sse',
    }),
    called: metrics.onSubgraphResponse,
    upstreams: openUpstreams(metrics.live),
    reconnected: metrics.live.reconnected,
    policies: granting,
    log: silent,
  })
  const issuer = await madeUpIssuer(config.authentication, rehearsal.scopes)
  const callers = authenticatorFor(issuer, config)
  await callers.warm
  const accessLog = configuredAccessLog(config, subjectPseudonyms(secret), nowhere)
  const { respond } = createGateway({
    authenticate: callers.authenticate,
    schema: { current: () => rehearsal },
    tokenCookie: tokenCookieFinder(config.authentication.sources),
    realm: configuredRealm(config.http),
    onResponse(response, facts) {
      metrics.onResponse(response, facts)
      accessLog?.responded(response, facts)
    },
    log: silent,
  })
  const listener = requestListener(
    respond,
    () => [],
    {
      config,
      served: nothingServed(),
      isStopping: () => false,
      log: silent,
    },
    {},
  )
  const ticket = randomSecret()
  server.serve('/graphql', (request, response) => {
    // Other programs of the machine could connect as well.
    if (request.headers['warm-up'] !== ticket) return void response.destroy()
    listener(request, response)
  })
  const pool = new Pool(server.origin, { connections: 4 })
  const credentials = await Promise.all(Array.from({ length: callerCount }, issuer.credentials))
  let sent = 0

  return {
    async post(body) {
      const number = sent++
      const { statusCode, body: response } = await pool.request({
        method: 'POST',
        path: '/graphql',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'accept-encoding': 'gzip',
          'warm-up': ticket,
          // Every other request is of the same caller, whose token is verified once.
          ...credentials[number % 2 === 0 ? 0 : number % callerCount],
        },
        body,
      })
      await response.arrayBuffer()
      return statusCode
    },
    async close() {
      await pool.destroy()
      server.close()
      await Promise.all([rehearsal.close(), callers.close()])
    },
  }
}

function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** It trusts the made-up issuer only, and has no way to fetch a document or to exchange an API key. */
function authenticatorFor(
  issuer: MadeUpIssuer,
  { authentication, ...config }: GatewayConfig,
): Authenticator {
  const { cache } = authentication
  return authenticator(
    {
      ...authentication,
      issuers: [issuer.options],
      cache: cache && { ...cache, entries: Math.min(cache.entries, mostCallersKnown) },
      apiKeys: undefined,
    },
    {
      claims: {
        ...claimRules(config.claims),
        policies: config.authorization.policies !== undefined,
      },
      metrics: {
        judged() {},
        cache() {},
        verified() {},
        exchanged() {},
        introspected() {},
        observe() {},
      },
      documents: {
        fetch: () => Promise.reject(new FetchFailure('a warm-up fetches nothing')),
        async close() {},
      },
      log: silent,
    },
  )
}
