/** What @apollo/gateway calls for each fetch of a plan. */
import type { GraphQLDataSource } from '@apollo/gateway'
import { Kind, parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { errorTable } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { CallSubgraph } from './call-subgraph.ts'
import type { ClientRequest } from './client-request.ts'
import type { SubgraphError } from './subgraph-errors.ts'

/**
 * Returns the data source of one subgraph. It never throws for a subgraph's fault: the fields that
 * the fetch would have filled stay null, and each has its error.
 */
export function subgraphDataSource(call: CallSubgraph): GraphQLDataSource<ClientRequest> {
  return {
    async process({ request, context, ...fetch }) {
      const { query = '', variables, operationName } = request
      const body = JSON.stringify({ query, variables, operationName })
      const operationKind = query.startsWith('mutation') ? 'mutation' : 'query'
      const answer = await call({ operationKind, body }, context as ClientRequest)
      if (answer.outcome === 'answered') {
        const { data, errors } = answer
        return { data, ...(errors.length > 0 ? { errors: [...errors] } : {}) }
      }
      const document = 'document' in fetch ? fetch.document : undefined
      return { data: null, errors: failureOfFetch(document ?? parse(query), answer.reason) }
    },
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
