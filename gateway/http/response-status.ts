/**
 * The HTTP status of a well-formed answer without data, for clients that accept
 * `application/graphql-response+json` (GraphQL over HTTP, section 6.4.2): that of its first error.
 * Plain `application/json` keeps 200, as section 6.4.1 wants it.
 */
import type { ApolloServerPlugin } from '@apollo/server'
import { errorTable } from '../errors.ts'

const typeWithStatus = 'application/graphql-response+json'

/** Returns the Apollo Server plugin that sets the status. */
export function responseStatus(): ApolloServerPlugin {
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ request, response }) {
          if (response.body.kind !== 'single') return
          const { data, errors } = response.body.singleResult
          if (data !== null || response.http.status !== undefined) return
          if (!request.http?.headers.get('accept')?.includes(typeWithStatus)) return
          response.http.status = statusOf(errors?.[0]?.extensions?.code)
        },
      }
    },
  }
}

function statusOf(code: unknown): number {
  const row = Object.entries(errorTable).find(([name]) => name === code)?.[1]
  return row && row.status !== 200 ? row.status : errorTable.INTERNAL_SERVER_ERROR.status
}
