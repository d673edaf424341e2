/** One federation, executed by the native engine and by @apollo/gateway with the same subgraphs. */
import { ApolloGateway } from '@apollo/gateway'
import type {
  GatewayExecutor,
  GatewayGraphQLRequestContext,
} from '@apollo/server-gateway-interface'
import { parse } from 'graphql'
import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import type { PlanningOptions } from '../../gateway/planning/start-planning.ts'
import { invalid, parsed, readResponse } from '../support/response-bytes.ts'
import { composed } from './federations.ts'
import type { Federation } from './federations.ts'
import { newState, universe } from './universe.ts'
import type { RequestState } from './universe.ts'
import type { Damage } from './wrong-values.ts'

export interface EngineError {
  readonly message: string
  readonly path: string
  readonly code: unknown
}

export interface EngineAnswer {
  readonly data: unknown
  readonly errors: readonly EngineError[]
  readonly calls: readonly string[]
  /** The names of the fields that subgraphs resolved. */
  readonly resolved?: ReadonlySet<string>
}

/** Writes the response of a subgraph; undefined if the call is to fail. `call` is what was sent. */
export type WriteResponse = (response: ExecutionResult, call: string) => Uint8Array | undefined

export interface OperationForEngines {
  readonly document: DocumentNode
  readonly variables?: Record<string, unknown> | undefined
  readonly operationName?: string
  /** How the native engine gets the responses of subgraphs; default: as JSON.stringify writes them. */
  readonly write?: WriteResponse
}

interface NativeState extends RequestState {
  readonly write: WriteResponse
  /** The response of the only fetch of kind `subscription`. */
  readonly event?: ExecutionResult
}

export type Answer = (operation: OperationForEngines) => Promise<EngineAnswer>

export interface TwoEngines {
  readonly apiSchema: GraphQLSchema
  /** The names of the fields that an engine may ask for by itself. */
  readonly inputs: ReadonlySet<string>
  readonly native: Answer
  /** The response to one event of a subscription. */
  readonly live: Answer
  readonly apollo: Answer
  /** The right response. */
  readonly truth: Answer
  stop(): Promise<void>
}

const plainly: WriteResponse = (response) => Buffer.from(JSON.stringify(response))
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Returns both engines of a federation.
 *
 * @param damage what subgraphs send instead of their values
 */
export async function twoEngines(
  federation: Federation,
  planning: PlanningOptions = {},
  damage?: Damage,
): Promise<TwoEngines> {
  const supergraphSdl = composed(federation)
  const { ask, truth, inputs } = universe(federation.subgraphs, damage)

  const native = await nativeExecutor<NativeState>({
    ...planning,
    supergraphSdl,
    random: () => 1,
    async fetchSubgraph(subgraph, request, state) {
      const isEvent = request.operationKind === 'subscription'
      const response = isEvent ? state.event! : await ask(subgraph, JSON.parse(request.body), state)
      const bytes = state.write(response, `${subgraph} ${request.body}`)
      return bytes ? readResponse(request, bytes) : invalid
    },
  })

  process.env.APOLLO_TELEMETRY_DISABLED = 'true'
  let gateway: ApolloGateway | undefined
  let loading: Promise<GatewayExecutor> | undefined
  const load = async () => {
    gateway = new ApolloGateway({
      supergraphSdl,
      logger: silent,
      buildService: ({ name }) => ({
        process: ({ request, context }) =>
          ask(
            name,
            { query: request.query!, variables: plain(request.variables) },
            context as unknown as RequestState,
          ) as never,
      }),
    })
    const { executor } = await gateway.load({ apollo: {} } as never)
    return executor as unknown as GatewayExecutor
  }
  const hashes = new WeakMap<DocumentNode, string>()
  let documents = 0

  return {
    inputs,
    apiSchema: native.apiSchema,
    async native({ document, variables, operationName, write = plainly }) {
      const state: NativeState = { ...newState(), write }
      const { data, errors } = await native.execute({
        document,
        operationName,
        variables,
        context: state,
      })
      return {
        data: parsed(data),
        errors: errors.map(readError),
        calls: state.calls,
        resolved: state.resolved,
      }
    },
    async live({ document, variables, write = plainly }) {
      const state: NativeState = { ...newState(), write }
      const planned = await native.subscribe!({ document, variables })
      const event = await ask(planned.subgraph, JSON.parse(planned.body), state)
      const context = { ...state, event }
      const { data, errors } = await planned.execute({ document, variables, context })
      return { data: parsed(data), errors: errors.map(readError), calls: state.calls }
    },
    async apollo({ document, variables, operationName }) {
      const state = newState()
      const queryHash = hashes.get(document) ?? `document ${documents++}`
      hashes.set(document, queryHash)
      const executor = await (loading ??= load())
      const { data, errors } = await executor({
        request: { variables: variables ?? {}, operationName },
        document,
        queryHash,
        context: state,
        logger: silent,
        metrics: {},
        schema: native.apiSchema,
      } as unknown as GatewayGraphQLRequestContext)
      return {
        data: JSON.parse(JSON.stringify(data ?? null)) as unknown,
        errors: (errors ?? []).map(readError),
        calls: state.calls,
      }
    },
    async truth({ document, variables }) {
      const { data, errors } = await truth(native.apiSchema, document, variables)
      return { data, errors: (errors ?? []).map(readError), calls: [] }
    },
    async stop() {
      await native.close()
      await gateway?.stop()
    },
  }
}

/** Returns the error as it is compared. */
export function readError(error: {
  message: string
  path?: readonly (string | number)[] | undefined
  extensions?: Record<string, unknown> | undefined
}): EngineError {
  return {
    message: error.message,
    path: (error.path ?? []).join('.'),
    code: error.extensions?.['code'],
  }
}

export function operation(text: string, variables?: Record<string, unknown>): OperationForEngines {
  return { document: parse(text), variables }
}

/** As it arrives over HTTP. */
function plain(variables: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(variables ?? {})) as Record<string, unknown>
}
