/** What @apollo/gateway calls for each fetch of a plan: our transport, our headers, our errors. */
import type { GraphQLDataSource } from '@apollo/gateway'
import { Kind, parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import type { Logger } from 'pino'
import { errorTable, GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { SubgraphClient, SubgraphResponse } from './subgraph-client.ts'
import { readSubgraphErrors } from './subgraph-errors.ts'
import type { SubgraphError, SubgraphErrorPolicy } from './subgraph-errors.ts'
import type { ForwardedCaller, SubgraphHeaders } from './subgraph-headers.ts'

export interface SubgraphDataSourceParts {
  subgraph: string
  client: SubgraphClient
  headers: SubgraphHeaders
  errors: SubgraphErrorPolicy
  /** Told of each call: `answered` or the reason of its failure, and how long it took in seconds. */
  called?: (outcome: string, seconds: number) => void
  log: Logger
}

/** The context that the gateway gives to a request: who it is made for. */
export interface ExecutionContext {
  caller: ForwardedCaller
}

/**
 * Returns the data source of one subgraph. It never throws for a subgraph's fault: the fields that
 * the fetch would have filled stay null, and each has its error.
 */
export function subgraphDataSource(
  parts: SubgraphDataSourceParts,
): GraphQLDataSource<ExecutionContext> {
  const { subgraph, client, headers, errors, log } = parts

  return {
    async process({ request, context, ...fetch }) {
      const { caller } = context as ExecutionContext
      const { query = '', variables, operationName } = request
      const start = performance.now()
      const call = (outcome: string) => parts.called?.(outcome, (performance.now() - start) / 1000)
      try {
        const body = JSON.stringify({ query, variables, operationName })
        const answer = readAnswer(await client.post(headers(caller), body))
        call('answered')
        return answer
      } catch (cause) {
        if (!(cause instanceof GatewayError)) throw cause
        call(cause.reason)
        log.warn({ subgraph, code: cause.reason, cause: describe(cause.cause) }, 'subgraph failed')
        const document = 'document' in fetch ? fetch.document : undefined
        return { data: null, errors: failureOfFetch(document ?? parse(query), cause.reason) }
      }
    },
  }

  function readAnswer({ status, body }: SubgraphResponse) {
    if (status === 401 || status === 403) {
      const cause = new Error(`it refused the gateway with ${status}: does its claims key fit?`)
      throw new GatewayError('SUBGRAPH_ERROR', { cause })
    }
    if (typeof body.data !== 'object' && !Array.isArray(body.errors)) {
      const cause = new Error('a JSON body with neither data nor errors')
      throw new GatewayError('SUBGRAPH_RESPONSE_INVALID', { cause })
    }
    if (body.errors) log.info({ subgraph, errors: body.errors }, 'subgraph reported errors')
    const reported = readSubgraphErrors(body.errors, errors)
    return {
      data: (body.data ?? null) as Record<string, unknown> | null,
      ...(reported.length > 0 ? { errors: reported } : {}),
    }
  }
}

/** One error for each root field of the failed fetch; for entities, at the first of them. */
function failureOfFetch(document: DocumentNode, reason: ErrorName): SubgraphError[] {
  const { message, code } = errorTable[reason]
  return rootResponseKeys(document).map((key) => ({
    message,
    path: key === '_entities' ? [key, 0] : [key],
    extensions: { code },
  }))
}

function rootResponseKeys(document: DocumentNode): string[] {
  const operation = document.definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION)
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return []
  return operation.selectionSet.selections.flatMap((selection) =>
    selection.kind === Kind.FIELD ? [(selection.alias ?? selection.name).value] : [],
  )
}

/** The error's own words and code, without headers or bodies that undici attaches to it. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const { code } = cause as NodeJS.ErrnoException
  return code ? `${code}: ${cause.message}` : cause.message
}
