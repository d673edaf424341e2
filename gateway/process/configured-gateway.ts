/** Everything that depends on the configuration. A reload creates another configured gateway. */
import type { RequestListener, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { authenticator } from '../authentication/authenticator.ts'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { DocumentSource } from '../authentication/fetch-document.ts'
import { tokenCookieFinder } from '../authentication/find-token.ts'
import type { AuthenticationMetrics } from '../authentication/metrics.ts'
import type { PolicyDecider } from '../authorization/policies.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { claimRules } from '../configuration/claims.ts'
import { passesTokens } from '../configuration/subgraphs.ts'
import { claimsKeyPair, claimsKeySet } from '../forwarding/claims-signing-key.ts'
import type { AccessLogOutput } from './access-log-output.ts'
import { configuredAccessLog } from './configured-access-log.ts'
import { configuredConsole, consoleAccess } from './configured-console.ts'
import { configuredPolicies } from './configured-policies.ts'
import { configuredRates } from './configured-rates.ts'
import type { ConfiguredRates, ConfiguredRatesParts } from './configured-rates.ts'
import { configuredUpgrade, liveParts } from './configured-live.ts'
import { configuredRealm, configuredResource } from './configured-resource.ts'
import { cacheVary, configuredSubgraph, forwardedSizeLimit } from './configured-subgraph.ts'
import { configuredTraces } from './configured-traces.ts'
import { configuredDocuments } from './operations/configured-documents.ts'
import type { ConfiguredDocuments } from './operations/configured-documents.ts'
import type { RegisteredTexts } from './operations/registered-texts.ts'
import type { OpenRemoteManifest } from './operations/remote-manifest.ts'
import { checkedSecrets } from './gateway-secrets.ts'
import { createGateway } from '../gateway.ts'
import { batchResponder } from '../http/batch.ts'
import { createSchemaVersion } from '../supergraph/schema-version.ts'
import type { SchemaVersion } from '../supergraph/schema-version.ts'
import type { GatewayMetrics } from './metrics.ts'
import { countsUsage } from './metrics-port.ts'
import { requestListener } from './request-listener.ts'
import type { ServedCounts } from './served-counts.ts'
import type { Upstreams } from '../streaming/upstreams.ts'
import type { Callbacks } from '../streaming/callbacks.ts'
import type { LiveConnections } from '../streaming/live-connections.ts'
import type { Serving, ServingGateway } from '../streaming/serving-gateway.ts'
import type { Upgrade } from '../streaming/websocket-upgrade.ts'
import { followSupergraph } from '../supergraph/follow-supergraph.ts'
import type { KeptOperations } from './warm-up/kept-operations.ts'
import type { OperationCounter } from './warm-up/operation-counts.ts'
import { warmUpProcess, warmUpTime } from './warm-up/warm-up-process.ts'
import type { FollowedSupergraph } from '../supergraph/follow-supergraph.ts'
import type { SupergraphSource } from '../supergraph/supergraph-source.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import { subjectPseudonyms } from '../telemetry/subject-pseudonym.ts'
import type { PseudonymOf } from '../telemetry/subject-pseudonym.ts'
import type { TraceSettings } from './trace-settings.ts'
import type { UsageCounter } from '../telemetry/usage-counter.ts'

/** What an operator decides, after its checks. */
export interface GatewaySettings {
  readonly config: GatewayConfig
  /**
   * The secret from which the claims keys of the subgraphs are derived. During a rotation two secrets,
   * separated by a comma: the first one signs.
   */
  readonly secret: string
  /** Whether it runs in production, where balancers have to notice that it stops; default: like there. */
  readonly production?: boolean | undefined
  /** Whether it is outside production, and only programs of this machine reach it; default: false. */
  readonly development?: boolean | undefined
  /** The account of development that the page offers, as `username:password`; default: none. */
  readonly consoleAccount?: string | undefined
  /** Where traces go; undefined: nowhere, and there are none. */
  readonly traces?: TraceSettings | undefined
}

export interface ConfiguredGatewayParts extends GatewaySettings {
  supergraph: SupergraphSource
  /** Where is kept what was fetched last. */
  dataDirectory: string
  metrics: GatewayMetrics
  authenticationMetrics: AuthenticationMetrics
  /** The streams of subgraphs, whichever configuration has opened them. */
  upstreams: Upstreams
  /** The connections of clients that live long, whichever configuration serves them. */
  connections: LiveConnections
  /** Returns the gateway that serves these connections. */
  serving: Serving
  /** Called with a response that has become a stream: its request is not in progress any longer. */
  onStream: (response: ServerResponse) => void
  /** Where subgraphs deliver events by HTTP callback, if the process has a port for them. */
  callbacks?: Callbacks | undefined
  /** The buckets of the rates, whichever configuration has filled them. */
  buckets: ConfiguredRatesParts['buckets']
  /** Takes points from the buckets that all processes share; left out: there are no others. */
  grantPoints?: ConfiguredRatesParts['grantPoints']
  /** Counts for `/health`. */
  served: ServedCounts
  /** What all processes have served together, if there are several. */
  servedByAll?: (() => Promise<ServedCounts>) | undefined
  /** Why any of the processes cannot serve right now, if there are several. */
  unreadinessOfAll?: (() => Promise<readonly string[]>) | undefined
  /** Whether the process is stopping: `/ready` then says so. */
  isStopping: () => boolean
  /** Opens manifests of known operations at URLs; left out: the gateway fetches them itself. */
  openManifest?: OpenRemoteManifest | undefined
  /** The automatic persisted queries of all processes; left out: there are no others. */
  registeredTexts?: RegisteredTexts | undefined
  /** Fetches the documents of the issuers; left out: the gateway fetches them itself. */
  documents?: DocumentSource | undefined
  /** The gateway that serves until this one does. */
  previous?: ConfiguredGateway | undefined
  /** Gets the lines of the access log; left out: there is none. */
  accessLog?: AccessLogOutput | undefined
  /** Counts which clients use which fields, if the configuration says so. */
  usage: UsageCounter
  /** Counts the operations that clients send, for the warm-up of later processes, and has those of earlier ones. */
  operations: Pick<KeptOperations, 'earlier'> & OperationCounter
  log: Logger
}

export interface ConfiguredGateway {
  readonly listener: RequestListener
  /** Opens a WebSocket, or responds with a refusal. */
  readonly upgrade: Upgrade
  /** The gateway as connections use it; undefined if the configuration has no subscriptions. */
  readonly ofConnections: ServingGateway | undefined
  /** Moves the subscriptions to the gateway that serves now; resolves when all have moved. */
  moveSubscriptions(): Promise<void>
  /** Resolves when each document of the issuers has been requested once, with success or without. */
  readonly warm: Promise<void>
  /** Why it cannot serve right now; empty if it can. */
  unreadiness(): readonly string[]
  /** Undefined while there is no supergraph yet. */
  schemaVersion(): SchemaVersion | undefined
  close(): Promise<void>
}

/** Returns a gateway for these settings; throws a StartFailure for problems that an operator has to correct. */
export async function createConfiguredGateway(
  given: ConfiguredGatewayParts,
): Promise<ConfiguredGateway> {
  if (given.config.subscriptions.callback && !given.callbacks) {
    throw new StartFailure('subscriptions.callback needs a restart of the gateway: it is a port')
  }
  const secrets = checkedSecrets(given.secret)
  const pseudonymOf = subjectPseudonyms(secrets[0]!)
  const log = withoutSubjects(given.log, pseudonymOf)
  const parts = { ...given, log }
  const { config, metrics, served } = parts
  const keySet = claimsKeySet(secrets.map(claimsKeyPair))
  const policies = await configuredPolicies(config, log)
  const rates = await configuredRates(config, secrets[0]!, {
    buckets: parts.buckets,
    grantPoints: parts.grantPoints,
    metrics: metrics.rates,
    log,
  })
  const callers = configuredAuthenticator(parts, rates)
  const documents = await configuredDocuments(parts).catch(closing(callers, rates))
  const supergraph = await configuredSupergraph(parts, policies, secrets[0]!, documents).catch(
    closing(callers, rates, documents),
  )
  documents.planBy(async (known) => supergraph.currentIfAny()?.planKnown(known))
  const console = configuredConsole(consoleAccess(parts), {
    callers,
    schema: supergraph,
    config,
    account: parts.consoleAccount,
  })
  const unreadiness = () => [
    ...supergraph.unreadiness(),
    ...callers.unreadiness(),
    ...documents.unreadiness(),
  ]
  const accessLog = configuredAccessLog(config, pseudonymOf, parts.accessLog)
  const traces = await configuredTraces(parts.traces, { onLost: metrics.onSpansLost, log })
  const usage = countedUsage(parts)
  const operations = warmUpTime(parts) > 0 ? parts.operations : undefined
  const { connections, serving, onStream } = parts
  const live = liveParts(config, callers, {
    connections,
    observer: metrics.live,
    onStream,
    onEnded: reportEnds(accessLog),
    log,
  })
  const { respond, connect, ofConnections } = createGateway({
    live,
    serving,
    authenticate: callers.authenticate,
    textOf: documents.textOf,
    schema: supergraph,
    tokenCookie: tokenCookieFinder(config.authentication.sources),
    realm: configuredRealm(config.http),
    cacheVary: cacheVary(config),
    limitForwarded: forwardedSizeLimit(config),
    rates: rates.requests,
    onRequest: traces?.begin,
    onResponse(response, facts) {
      if (!facts.hasLaterParts) facts.trace?.end(response, facts)
      served.requests.answered++
      metrics.onResponse(response, facts)
      usage?.count(facts)
      operations?.count(facts)
      accessLog?.responded(response, facts)
    },
    log,
  })
  const { batching } = config.http
  const respondToAll = batching ? batchResponder(respond, batching.max) : respond
  return {
    listener: requestListener(
      respondToAll,
      unreadiness,
      { ...parts, console, documentIds: documents.textOf !== undefined },
      {
        '/.well-known/gateway-claims.json': () => keySet,
        ...configuredResource(config, () => supergraph.currentIfAny()?.scopes ?? []),
      },
    ),
    upgrade: configuredUpgrade(config, { live, connect, log }),
    ofConnections,
    moveSubscriptions: async () => supergraph.currentIfAny()?.moveSubscriptions(),
    warm: callers.warm,
    unreadiness,
    schemaVersion: supergraph.currentIfAny,
    async close() {
      await documents.close()
      await supergraph.close()
      await callers.close()
      rates.close()
      await traces?.close()
    },
  }
}

/**
 * Returns what reports the end of a subscription, or of a response in parts: the span of its request ends then. It
 * holds nothing else of the configuration, which a stream can outlive.
 */
function reportEnds(accessLog: AccessLog | undefined): AccessLog['ended'] {
  return (ended, facts) => {
    const { reason } = ended
    const isFailure = reason !== 'completed' && reason !== 'client gone'
    if ('parts' in ended) {
      facts.trace?.end({ status: 200 }, facts, isFailure ? reason : undefined)
    }
    accessLog?.ended(ended, facts)
  }
}

/** Returns what handles a failure: it closes what has been opened before. */
function closing(...opened: readonly { close(): void | Promise<void> }[]) {
  return async (cause: unknown): Promise<never> => {
    await Promise.all(opened.map((part) => part.close()))
    throw cause
  }
}

/** Returns a log in which no line has a subject in clear: beside a request id, it would undo the access log's. */
function withoutSubjects(log: Logger, pseudonymOf: PseudonymOf): Logger {
  const sub = (subject: unknown) => (typeof subject === 'string' ? pseudonymOf(subject) : undefined)
  return log.child({}, { serializers: { sub } })
}

function countedUsage({ config, usage }: ConfiguredGatewayParts): UsageCounter | undefined {
  return countsUsage(config) ? usage : undefined
}

function configuredSupergraph(
  parts: ConfiguredGatewayParts,
  policies: PolicyDecider,
  secret: string,
  { known }: ConfiguredDocuments,
): Promise<FollowedSupergraph<SchemaVersion>> {
  const { supergraph: source, config, metrics, previous, callbacks, log } = parts
  // Only the first schema version follows one of earlier settings, which can then be released.
  let replaced = previous?.schemaVersion()
  return followSupergraph({
    source,
    keys: config.supergraph.keys,
    log,
    onServed: metrics.supergraphServed,
    onRefused: metrics.supergraphRefused,
    async create(supergraph, before = replaced) {
      replaced = undefined
      const version = await createSchemaVersion({
        supergraph,
        previous: before,
        executor: config.engine,
        subgraph: (name) => ({ ...configuredSubgraph(name, config, secret), callbacks }),
        called: metrics.onSubgraphResponse,
        upstreams: parts.upstreams,
        onEventExecuted: metrics.live.executed,
        reconnected: metrics.live.reconnected,
        authorization: config.authorization,
        policies,
        policiesRecheck: config.subscriptions.policiesRecheck,
        explainTo: consoleAccess(parts).explainTo,
        limits: config.limits,
        known,
        onDenied: metrics.onDenied,
        onExceeded: metrics.onExceeded,
        onEstimated: config.limits.cost && metrics.costs(),
        onCompiled: countedUsage(parts)?.prepared,
        log,
      })
      // A later version finds a process that is warm, and plans the operations of the one before.
      if (before === undefined) await warmUpProcess(parts, version, supergraph)
      return version
    },
    retire: (version: SchemaVersion) => version.close(),
  })
}

function configuredAuthenticator(
  parts: ConfiguredGatewayParts,
  { beginAttempt }: ConfiguredRates,
): Authenticator {
  const { config, served, documents, log } = parts
  return authenticator(config.authentication, {
    claims: {
      ...claimRules(config.claims),
      policies: config.authorization.policies !== undefined,
    },
    keepsTokens: passesTokens(config.subgraphs),
    metrics: counted(parts.authenticationMetrics, served.tokens),
    ...(documents ? { documents } : {}),
    beginAttempt,
    log,
  })
}

/** Returns metrics that also count the verified tokens for `/health`, for operators without Prometheus. */
function counted(
  metrics: AuthenticationMetrics,
  tokens: { accepted: number; refused: number },
): AuthenticationMetrics {
  return {
    ...metrics,
    judged(issuer, outcome) {
      if (outcome === 'accepted') tokens.accepted++
      else if (outcome !== 'anonymous') tokens.refused++
      metrics.judged(issuer, outcome)
    },
  }
}
