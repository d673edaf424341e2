/** What @apollo/gateway calls for each fetch of a plan. */
import type { GraphQLDataSource } from '@apollo/gateway'
import { parse } from 'graphql'
import { rootResponseKeys } from '../graphql/root-response-keys.ts'
import { isWithinNesting } from '../values/json.ts'
import { valueEnd } from '../values/json-bytes.ts'
import { deepestNesting, nestedTooDeep } from './nesting.ts'
import { errorOfCall } from './subgraph-errors.ts'
import type {
  FailedCall,
  SubgraphResult,
  SubgraphError,
  SubgraphRequest,
} from './subgraph-request.ts'

/**
 * Returns the data source of one subgraph. It never throws for a subgraph's fault: the fields that
 * the fetch would have filled stay null, and each has its error.
 */
export function subgraphDataSource<Context extends object>(
  call: (request: SubgraphRequest, context: Context) => Promise<SubgraphResult>,
): GraphQLDataSource<Context> {
  return {
    async process({ request, context, ...fetch }) {
      const { query = '', variables, operationName } = request
      const body = JSON.stringify({ query, variables, operationName })
      const operationKind = query.startsWith('mutation') ? 'mutation' : 'query'
      let data: object | null = null
      const readData = (bytes: Uint8Array, at: number) => {
        const end = valueEnd(bytes, at)
        data = JSON.parse(Buffer.from(bytes.subarray(at, end)).toString()) as object
        return end
      }
      const result = await call({ operationKind, body, readData }, context as Context)
      if (result.outcome === 'answered' && isWithinNesting(data, deepestNesting)) {
        const { errors } = result
        return { data, ...(errors.length > 0 ? { errors: errors.map(withMark) } : {}) }
      }
      const document = 'document' in fetch ? fetch.document : undefined
      const failed = result.outcome === 'failed' ? result : tooDeep
      const keys = rootResponseKeys(document ?? parse(query), variables ?? {})
      return { data: null, errors: failureOfFetch(keys, failed).map(withMark) }
    },
  }
}

/** Marks the extensions that a client may read: @apollo/gateway adds others to an error. */
const readable = Symbol('the extensions that the client gets')

function withMark(error: SubgraphError) {
  return { ...error, extensions: { ...error.extensions, [readable]: error.extensions } }
}

/** Returns the extensions of a subgraph's error for the client; undefined if it is no subgraph's. */
export function readableExtensions(extensions: object): SubgraphError['extensions'] | undefined {
  return (extensions as { [readable]?: SubgraphError['extensions'] })[readable]
}

/** One error for each root field of the failed fetch; for entities, at the first of them. */
function failureOfFetch(keys: readonly string[], failed: FailedCall): SubgraphError[] {
  return keys.map((key) => ({
    ...errorOfCall(failed),
    path: key === '_entities' ? [key, 0] : [key],
  }))
}

/** The library recurses over the complete response. */
const tooDeep: FailedCall = {
  outcome: 'failed',
  reason: 'SUBGRAPH_RESPONSE_INVALID',
  detail: nestedTooDeep,
}
