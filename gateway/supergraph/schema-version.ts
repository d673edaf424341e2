/**
 * One version of the schema: everything that depends on one supergraph, from the caches of operations to the
 * connections to subgraphs. It never changes; another supergraph is another version, and a request keeps
 * the one it started with.
 */
import type { GraphQLSchema, OperationDefinitionNode } from 'graphql'
import type { Logger } from 'pino'
import type { AuthorizationOptions } from '../authorization/authorization-options.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import {
  denialsOf,
  notExecuted,
  resultWithDenials,
  withExtensions,
} from '../authorization/denied-result.ts'
import type { AuthorizedRequest, ExecutedOperation } from '../authorization/denied-result.ts'
import { keptDecisions } from '../authorization/kept-decisions.ts'
import { describeGraph } from '../authorization/describe-graph.ts'
import type { DescribedGraph } from '../authorization/describe-graph.ts'
import { denyingGuards } from '../authorization/denying-guards.ts'
import { guardSupergraphInSlices } from '../authorization/guard-supergraph.ts'
import type { GuardedOperation } from '../authorization/guarded-operation.ts'
import { introspection } from '../authorization/introspection.ts'
import type { ExplainTo } from '../authorization/may-explain.ts'
import type { DecidePolicies, PolicyDecider } from '../authorization/policies.ts'
import { SupergraphRefused } from '../authorization/supergraph-refused.ts'
import { allScopes, namedScopes } from '../authorization/what-is-missing.ts'
import { withStepUp } from '../authorization/step-up.ts'
import { warnOfUndecidedPolicies } from '../authorization/undecided-policies.ts'
import type { ClientRequest } from '../client-request.ts'
import type { Limits } from '../configuration/limits.ts'
import type { Exceeded } from '../operations/limit-operation.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { CostDirectives } from '../operations/cost/cost-directives.ts'
import type { KnownOperation } from '../operations/known-operations.ts'
import { operationPreparer } from '../operations/prepare-operation.ts'
import { runInSlices, yieldToEventLoop } from '../slices.ts'
import { connectSubgraphs } from './connect-subgraphs.ts'
import type { ConnectOptions, SubgraphCalls } from './connect-subgraphs.ts'
import type { Executor } from './executor.ts'
import { costLimit } from './limit-cost.ts'
import { costExplainer } from './explain-cost.ts'
import { explanations, planRefused } from './explanations.ts'
import type { ExplainedPlan } from './explanations.ts'
import { limitLog } from './limit-log.ts'
import { liveSubscribers } from './live-subscribers.ts'
import { nativeExecutor } from './native-executor.ts'
import { readCostDirectives } from './read-cost-directives.ts'
import type { Supergraph } from './read-supergraph.ts'
import type { ExecutionContext, Stages } from './stages.ts'
import { deferStage } from './defer-stage.ts'
import { subscriptionStage } from './subscription-stage.ts'
import type { SubscribedVersion } from './subscription-stage.ts'
import { knownOperationsPlanner, warmUp } from './warm-up.ts'
import type { PlanKnownOperations } from './warm-up.ts'

/** Our own executor, or @apollo/gateway's as the reference. */
export type ExecutorName = 'native' | 'apollo'

export interface SchemaVersionParts extends ConnectOptions {
  supergraph: Supergraph
  executor: ExecutorName
  authorization: Partial<AuthorizationOptions>
  policies: PolicyDecider
  /** After how many milliseconds policies decide again about a subscription; default: a minute. */
  policiesRecheck?: number | undefined
  /** Who may request `extensions.authorization`, `plan`, `fetches` and `limits`. */
  explainTo: ExplainTo
  limits: Limits
  /** Returns the known operations, which are planned before the version serves. */
  known?: (() => Iterable<KnownOperation>) | undefined
  /** Called with the guards that denied fields of a response: each as its directive, once per field. */
  onDenied?: ((guards: readonly string[]) => void) | undefined
  /** Called with each operation that is compiled, and the schema that it was validated with. */
  onCompiled?: ((operation: GuardedOperation, schema: GraphQLSchema) => void) | undefined
  /** Called with each request that exceeds a limit: the limit, as in gateway.yaml, and its mode. */
  onExceeded?: ((limit: string, mode: Exceeded['mode']) => void) | undefined
  /** Called with the estimated cost of each operation, if cost is limited. */
  onEstimated?: ((cost: number) => void) | undefined
  /** Called when an operation has been executed for an event. */
  onEventExecuted?: (() => void) | undefined
  log: Logger
  /**
   * The version that serves until this one does: its recent operations are planned before this one
   * serves, without blocking its requests.
   */
  previous?: SchemaVersion | undefined
}

export interface SchemaVersion {
  /** Runs a request with the stages: this version is not closed before the request has ended. */
  serve<Result>(request: (stages: Stages) => Promise<Result>): Promise<Result>
  readonly executor: Executor<ExecutionContext>
  /** Every scope that its guards name, sorted. */
  readonly scopes: readonly string[]
  /** Returns its types and fields with their guards. */
  describe(): DescribedGraph
  /** Plans operations that have become known. */
  readonly planKnown: PlanKnownOperations
  /** Returns what the warm-up of a process needs: this version with other subgraphs. */
  rehearsal(parts: RehearsalParts): Rehearsal
  /** Moves all subscriptions to the version that serves now; resolves when they have moved. */
  moveSubscriptions(): Promise<void>
  /**
   * Closes the connections to the subgraphs once all requests in progress have ended, and all subscriptions
   * have moved to the version that serves now.
   */
  close(): Promise<void>
}

/** What a rehearsal has instead of the parts of its version. */
export type RehearsalParts = ConnectOptions & {
  /** Where all subgraphs are. */
  readonly url: string
  readonly policies: PolicyDecider
}

/**
 * A version that shares the plans of another one, and nothing else: none of its requests reaches a subgraph, a
 * policy, a counter or the log of that version.
 */
export interface Rehearsal extends Pick<SchemaVersion, 'serve'> {
  /** The scopes of a caller that may see everything. */
  readonly scopes: readonly string[]
  close(): Promise<void>
}

/** The version that serves now. */
export interface CurrentSchema {
  current(): Pick<SchemaVersion, 'serve'>
}

/** Returns a version that is ready to serve; it rejects when the supergraph cannot be loaded. */
export async function createSchemaVersion({
  supergraph,
  previous,
  ...parts
}: SchemaVersionParts): Promise<SchemaVersion> {
  const { loadableSdl, authorizer } = await runInSlices(
    guardSupergraphInSlices(supergraph, parts.authorization),
  )
  warnOfUndecidedPolicies(authorizer, parts.policies, parts.log)
  const costs = await costsIn(supergraph, parts)
  const subgraphs = connectSubgraphs(supergraph.subgraphs, parts)
  const executor = await executorFor(loadableSdl, subgraphs, previous !== undefined, parts)
  await yieldToEventLoop()
  const subscribers = liveSubscribers()
  const stages = stagesOf(authorizer, executor, {
    ...parts,
    costs,
    subgraphs,
    during: (part) => serve(part),
    ...subscribers,
  })
  const planKnown = knownOperationsPlanner(authorizer, executor, parts.limits)
  if (previous) await warmUp(executor, previous.executor)
  if (parts.known) await planKnown(parts.known())
  let underWay = 0
  let idle = () => {}

  return {
    executor,
    scopes: namedScopes(authorizer.schema.guards),
    planKnown: (known) => serve(() => planKnown(known)),
    serve,
    describe: () => describeGraph(executor.apiSchema, authorizer.schema),
    rehearsal({ url, ...others }) {
      const madeUp = connectSubgraphs(
        supergraph.subgraphs.map(({ name }) => ({ name, url })),
        others,
      )
      const rehearsed = stagesOf(authorizer, executor, {
        ...parts,
        ...others,
        limits: withoutRefusals(parts.limits),
        costs,
        onDenied: undefined,
        onCompiled: undefined,
        onExceeded: undefined,
        onEstimated: undefined,
        onEventExecuted: undefined,
        subgraphs: madeUp,
        during: (part) => part(),
        ...liveSubscribers(),
      })
      return {
        scopes: allScopes(authorizer),
        serve: (request) => request(rehearsed),
        close: madeUp.close,
      }
    },
    moveSubscriptions: subscribers.moveAll,
    async close() {
      await subscribers.moveAll()
      if (underWay > 0) await new Promise<void>((ended) => (idle = ended))
      await executor.close()
      await subgraphs.close()
    },
  }

  async function serve<Result>(request: (stages: Stages) => Promise<Result>): Promise<Result> {
    underWay++
    try {
      return await request(stages)
    } finally {
      if (--underWay === 0) idle()
    }
  }
}

/** Returns what a supergraph says of costs; undefined where they are not limited, nor explained to anybody. */
async function costsIn(
  { document }: Supergraph,
  { limits, explainTo }: Pick<SchemaVersionParts, 'limits' | 'explainTo'>,
): Promise<CostDirectives | undefined> {
  if (limits.cost) return runInSlices(readCostDirectives(document))
  if (explainTo !== 'everyone' && explainTo.length === 0) return undefined
  // A supergraph whose costs are not understood is refused only where they are limited.
  return runInSlices(readCostDirectives(document)).catch((cause: unknown) => {
    if (cause instanceof SupergraphRefused) return undefined
    throw cause
  })
}

type StageParts = Omit<SchemaVersionParts, 'supergraph' | 'previous'>

/** @param loadableSdl the supergraph without guards: it must only be executed behind the authorizer */
async function executorFor(
  loadableSdl: string,
  subgraphs: SubgraphCalls,
  whileServing: boolean,
  { executor, limits, log }: StageParts,
): Promise<Executor<ExecutionContext>> {
  const fetchSubgraph: FetchSubgraph<ExecutionContext> = (name, request, { client, fetch }) =>
    fetch(name, request, client)
  const options = {
    supergraphSdl: loadableSdl,
    fetchSubgraph,
    planningTime: limits.planningTime,
  }
  try {
    if (executor === 'apollo') {
      // Loading it takes a third of a second, so it is loaded only if it is used.
      const { apolloExecutor } = await import('./apollo-executor.ts')
      return await apolloExecutor<ExecutionContext>({ ...options, log })
    }
    return await nativeExecutor<ExecutionContext>({
      ...options,
      mayBatch: subgraphs.mayBatch,
      planningThread: 'when large',
      whileServing,
      onTooComplex: (operationName) =>
        log.warn(
          { operationName: bounded(operationName) },
          'an operation takes longer to plan than limits.planning_time',
        ),
    })
  } catch (cause) {
    await subgraphs.close()
    throw cause
  }
}

function stagesOf(
  authorizer: Authorizer,
  executor: Executor<ExecutionContext>,
  {
    policies,
    explainTo,
    limits,
    onDenied,
    onCompiled,
    onExceeded,
    onEstimated,
    costs,
    onEventExecuted = () => {},
    policiesRecheck = 60_000,
    subgraphs,
    log,
    ...version
  }: StageParts &
    SubscribedVersion & { subgraphs: SubgraphCalls; costs: CostDirectives | undefined },
): Stages {
  const { fetch } = subgraphs
  const { apiSchema } = executor
  const { stepUp } = authorizer.options
  const authorize = authorizeBy(withStepUp(stepUp, policies.decide, Date.now))
  const introspectFor = introspection(authorizer, apiSchema)
  const logExceeded = limitLog(log, Date.now)
  const exceeds = (exceeded: Exceeded<string>, operation: OperationDefinitionNode) => {
    onExceeded?.(exceeded.limit, exceeded.mode)
    logExceeded(exceeded, operation)
  }
  const estimate =
    limits.cost && costs
      ? costLimit({
          settings: limits.cost,
          directives: costs,
          apiSchema,
          onEstimated,
          onExceeded: (exceeded, { authorized }) =>
            exceeds(exceeded, authorized.compiled.operation),
        })
      : undefined
  const explain = explanations({
    authorizer,
    explainTo,
    written: (operation) => deferral.written(operation),
    limits,
    cost: costs && costExplainer({ settings: limits.cost, directives: costs, apiSchema }),
    claimsHeader: subgraphs.claimsHeader,
  })
  const deferral = deferStage({
    authorizer,
    executor,
    introspectFor,
    fetch,
    explain,
    conclude,
    during: version.during,
  })

  return {
    prepare: operationPreparer({
      apiSchema,
      limits,
      onExceeded: exceeds,
      introspection: authorizer.options.introspection !== 'refuse',
      compile(document, operation, deferring) {
        const compiled = authorizer.compile(document, operation.name?.value)
        onCompiled?.(compiled, apiSchema)
        if (deferring) deferral.add(compiled, deferring)
        return compiled
      },
    }),
    authorize: estimate ? withCost(authorize, estimate) : authorize,
    async execute(request, graphqlRequest, client) {
      const { authorized, caller, granted } = request
      const { compiled } = authorized
      const explained = explain(graphqlRequest, client)
      const recorder = explained?.record?.(fetch)
      // Not after the execution: a plan that cannot be made would take the response with it.
      const plan = explained?.asksForPlan ? await planOf(request, client) : undefined
      const executed =
        'document' in authorized
          ? await executor.execute({
              document: authorized.document,
              text: authorized.text,
              shape: authorized.shape,
              introspect: compiled.introspects
                ? introspectFor(compiled, caller, graphqlRequest.variables, granted)
                : undefined,
              variables: graphqlRequest.variables,
              trace: client.trace,
              context: { client, fetch: recorder?.fetch ?? fetch },
              signal: client.signal,
            })
          : notExecuted
      const extensions = explained && {
        ...explained.ofOperation(request, { plan, executed }),
        ...(recorder && { fetches: recorder.fetches() }),
      }
      return conclude(request, client, executed, extensions)
    },
    async explain(request, graphqlRequest, client, inParts) {
      const explained = explain(graphqlRequest, client)
      if (!explained) throw planRefused(client.caller)
      const parted = inParts ? await deferral.planOf(request, graphqlRequest, client) : undefined
      const plan = parted ?? (await planOf(request, client))
      return conclude(request, client, notExecuted, explained.ofOperation(request, { plan }))
    },
    defer: deferral.defer,
    subscribe: subscriptionStage({
      executor,
      subgraphs,
      // Whether the login is recent enough may change with each event.
      authorizer: ({ policies: referenced }) =>
        referenced.length === 0
          ? authorize
          : authorizeBy(
              withStepUp(
                stepUp,
                keptDecisions(policies.decide, policiesRecheck, Date.now),
                Date.now,
              ),
            ),
      explain,
      conclude,
      onExecuted: onEventExecuted,
      version,
    }),
  }

  function authorizeBy(decide: DecidePolicies): Stages['authorize'] {
    return (operation, { variables }, { caller, requestId }) => {
      const authorized = (granted?: ReadonlySet<string>): AuthorizedRequest => ({
        authorized: authorizer.authorize(operation, caller, variables, granted),
        caller,
        granted,
      })
      const { policies } = operation
      if (policies.length === 0) return authorized()
      const claims = caller.verifiedClaims ?? caller.claims
      const operationName = operation.operation.name?.value ?? null
      return decide({ policies, claims, operationName }, requestId).then(authorized)
    }
  }

  /** Returns how an operation is executed at once; undefined if the executor does not say. */
  async function planOf(
    { authorized }: AuthorizedRequest,
    { signal }: ClientRequest,
  ): Promise<ExplainedPlan | undefined> {
    if (!executor.explain) return undefined
    if (!('document' in authorized)) return { steps: null, deferred: [] }
    const { document, text } = authorized
    return { steps: await executor.explain({ document, text, signal }), deferred: [] }
  }

  /** Returns the result with its denials, and reports them; those of events are no news for the log. */
  function conclude(
    request: AuthorizedRequest,
    client: ClientRequest,
    result: ExecutedOperation,
    explained?: OperationResult['extensions'],
  ): OperationResult {
    const executed = withExtensions(result, client.added)
    const denials = denialsOf(authorizer, request, executed)
    if (denials.length > 0) {
      const denied = denials.slice(0, 20).map(({ path }) => bounded(path.join('.')))
      const operationName = bounded(request.authorized.compiled.operation.name?.value)
      const { requestId, observer } = client
      const sub = request.caller.claims?.sub
      log[observer ? 'info' : 'debug']({ requestId, operationName, sub, denied }, 'fields denied')
      if (observer) observer.denied = Math.max(denials.length, executed.deniedCount)
      onDenied?.(denyingGuards(authorizer, request, executed))
    }
    const concluded =
      denials.length === 0 ? executed : resultWithDenials(authorizer, request, executed, denials)
    const { cost } = request
    if (!explained && !cost) return concluded
    return {
      ...concluded,
      extensions: { ...concluded.extensions, ...explained, ...(cost && { cost }) },
    }
  }
}

/** Clients choose names and aliases: the log has only so much of each, in characters. */
const longestLogged = 200

function bounded(text: string | undefined): string | undefined {
  return text?.slice(0, longestLogged)
}

/** Returns limits by which the operations of a rehearsal are estimated, but not refused: they are made up. */
function withoutRefusals(limits: Limits): Limits {
  const cost = limits.cost && ({ ...limits.cost, mode: 'measure' } as const)
  return { ...limits, operation: { ...limits.operation, most: {} }, cost }
}

/** Returns the stage for operations whose cost is limited: what is left after authorization is estimated. */
function withCost(
  authorize: Stages['authorize'],
  estimate: ReturnType<typeof costLimit>,
): Stages['authorize'] {
  return (operation, graphqlRequest, client) => {
    const decided = authorize(operation, graphqlRequest, client)
    return decided instanceof Promise ? decided.then(estimated) : estimated(decided)

    function estimated(request: AuthorizedRequest): AuthorizedRequest {
      const { estimated, cost } = estimate(request, graphqlRequest)
      const { authorized, caller, granted } = request
      return { authorized, caller, granted, estimated, cost }
    }
  }
}
