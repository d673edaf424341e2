/** Subscriptions of a subgraph: events by server-sent events (GraphQL over SSE, distinct connections mode). */
import type { Response } from 'express'
import { GraphQLError, parse, specifiedRules, subscribe, validate } from 'graphql'
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLFormattedError,
  GraphQLSchema,
  ValidationRule,
} from 'graphql'
import type { SubgraphContext } from './guards.ts'

/** The context of a subscription. */
export interface SubscriptionContext extends SubgraphContext {
  /** Aborted when nobody listens any longer: `on(emitter, 'name', { signal })` ends with it. */
  readonly signal: AbortSignal
}

/**
 * Returns the events of a field of `Subscription`: each value is one of the field's. It is ended by its
 * `return` when nobody listens any longer. A source that begins to listen before it returns, as a function
 * with a promise can, misses nothing from the response's beginning on.
 */
export type SubscriptionSource = (
  parent: unknown,
  args: any,
  context: SubscriptionContext,
) => AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>

export interface EventStreamOptions {
  schema: GraphQLSchema
  validationRules?: readonly ValidationRule[] | undefined
  /** Returns an error as the gateway gets it. */
  formatError?:
    ((formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError) | undefined
  /** How often a stream without events shows that it is alive, in milliseconds; default 12,000. */
  heartbeat?: number | undefined
}

/** What a request for events has. */
export interface EventStreamRequest {
  readonly body: unknown
  readonly context: SubgraphContext
}

export interface EventStreams {
  /** Returns whether a request asks for events. */
  accepts(accept: string | undefined): boolean
  /** Responds with a stream of events. */
  respond(request: EventStreamRequest, response: Response): Promise<void>
  /** Ends all streams: the gateway asks again, another process perhaps. */
  close(): void
}

const defaultHeartbeat = 12_000

/** Sets the sources of the fields of `Subscription`; throws an Error for a field that the schema does not have. */
export function addSubscriptionSources(
  schema: GraphQLSchema,
  sources: Readonly<Record<string, SubscriptionSource>>,
): void {
  const fields = schema.getSubscriptionType()?.getFields() ?? {}
  for (const [name, source] of Object.entries(sources)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (!field) throw new Error(`the schema has no field Subscription.${name}`)
    field.subscribe = source
    field.resolve = (event) => event
  }
}

/** Returns the streams of a schema. */
export function eventStreams(options: EventStreamOptions): EventStreams {
  const { schema, heartbeat = defaultHeartbeat } = options
  const rules = [...specifiedRules, ...(options.validationRules ?? [])]
  const open = new Set<Response>()
  let isClosing = false

  return {
    accepts: (accept) => /(^|[,\s])text\/event-stream\b/i.test(accept ?? ''),
    async respond({ body, context }, response) {
      const ending = new AbortController()
      response.on('close', () => ending.abort())
      const events = await start(body, { ...context, signal: ending.signal })
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      response.write(':\n\n')
      if (isClosing) return void response.end()
      if (!(Symbol.asyncIterator in events)) return finish(response, events)
      const timer = setInterval(() => response.write(':\n\n'), heartbeat).unref()
      open.add(response)
      response.on('close', () => {
        clearInterval(timer)
        open.delete(response)
        void Promise.resolve(events.return?.(undefined)).catch(() => {})
      })
      if (response.destroyed) return void events.return?.(undefined)
      try {
        await send(events, response)
      } catch (error) {
        if (!ending.signal.aborted) finish(response, { errors: [asGraphQLError(error)] })
        return
      }
      if (!ending.signal.aborted && open.has(response)) response.end(complete)
    },
    close() {
      isClosing = true
      for (const response of open) response.end()
      open.clear()
    },
  }

  async function start(body: unknown, contextValue: SubscriptionContext) {
    const { query, variables, operationName } = Object(body) as Record<string, unknown>
    try {
      if (typeof query !== 'string') throw withCode('BAD_REQUEST', new GraphQLError('No `query`'))
      const document = parsed(query)
      const errors = validate(schema, document, rules)
      if (errors.length > 0) {
        return { errors: errors.map((error) => withCode('GRAPHQL_VALIDATION_FAILED', error)) }
      }
      return (await subscribe({
        schema,
        document: requireSubscription(document),
        contextValue,
        variableValues: variables as Record<string, unknown> | undefined,
        operationName: operationName as string | undefined,
      })) as AsyncGenerator<ExecutionResult> | ExecutionResult
    } catch (error) {
      return { errors: [asGraphQLError(error)] }
    }
  }

  /** Pulls the next event when the gateway has taken the last one. */
  async function send(events: AsyncIterable<ExecutionResult>, response: Response): Promise<void> {
    for await (const event of events) {
      if (!open.has(response)) return
      if (!response.write(next(event))) await drained(response)
    }
  }

  function finish(response: Response, result: ExecutionResult): void {
    response.end(next(result) + complete)
  }

  function next({ errors, ...result }: ExecutionResult): string {
    const formatted = errors?.map((error) => {
      const plain = error.toJSON()
      const extensions = { code: 'INTERNAL_SERVER_ERROR', ...plain.extensions }
      return options.formatError?.({ ...plain, extensions }, error) ?? plain
    })
    return `event: next\ndata: ${JSON.stringify({ ...result, ...(formatted ? { errors: formatted } : {}) })}\n\n`
  }
}

/** Resolves when the response can take more, or is closed. */
function drained(response: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** EventSource drops an event without data. */
const complete = 'event: complete\ndata: \n\n'

function requireSubscription(document: DocumentNode): DocumentNode {
  const isOther = document.definitions.some(
    (definition) =>
      definition.kind === 'OperationDefinition' && definition.operation !== 'subscription',
  )
  if (!isOther) return document
  throw withCode('BAD_REQUEST', new GraphQLError('Only subscriptions are sent as events'))
}

function parsed(query: string): DocumentNode {
  try {
    return parse(query)
  } catch (error) {
    throw withCode('GRAPHQL_PARSE_FAILED', error as GraphQLError)
  }
}

/** An error with a code is one that the request has caused. */
function withCode(code: string, error: GraphQLError): GraphQLError {
  error.extensions['code'] ??= code
  return error
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error
  return new GraphQLError('Internal server error', { originalError: error as Error })
}
