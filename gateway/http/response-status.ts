/**
 * The HTTP status of a well-formed answer without data, for clients that accept
 * `application/graphql-response+json` (GraphQL over HTTP, section 6.4.2): that of its first error.
 * Plain `application/json` keeps 200, as section 6.4.1 wants it.
 */
import type { ApolloServerPlugin } from '@apollo/server'
import type { GraphQLError, GraphQLFormattedError } from 'graphql'
import { errorTable, passedExtensions, plausibleRetryAfter, retryLater } from '../errors.ts'
import type { ErrorRow } from '../errors.ts'
import { statusTells } from './media-type.ts'
import { challenge } from './refusal.ts'

/** Returns the Apollo Server plugin that sets the status. */
export function responseStatus(realm: string): ApolloServerPlugin {
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ request, response, errors: original }) {
          if (response.body.kind !== 'single') return
          const { data, errors } = response.body.singleResult
          if (response.http.status !== undefined) return
          const later = retryOf(data, errors)
          if (later) {
            response.http.status = later.status
            response.http.headers.set('retry-after', String(later.seconds))
            return
          }
          if (data !== null) return
          if (!statusTells(request.http?.headers.get('accept'))) return
          const row = rowOf(errors?.[0]?.extensions?.code, original?.[0])
          response.http.status = row.status
          if (row.retryAfter) {
            response.http.headers.set('retry-after', String(secondsOf(errors![0]!, row.retryAfter)))
          }
          if (!row.challenge) return
          response.http.headers.set('www-authenticate', challenge(row, realm))
        },
      }
    },
  }
}

/**
 * Returns the status and the seconds to wait of a response that says nothing but "try again later":
 * proxies and clients have to see it, whatever the media type.
 */
function retryOf(data: unknown, errors: readonly GraphQLFormattedError[] = []) {
  const rows = errors.flatMap(({ extensions }) => {
    const name = retryLater.find((candidate) => candidate === extensions?.code)
    return name ? [errorTable[name]] : []
  })
  if (rows.length === 0 || rows.length < errors.length) return undefined
  if (!Object.values(data ?? {}).every((value) => value === null)) return undefined
  return {
    // Where both are said, waiting for the service is what helps.
    status: Math.max(...rows.map(({ status }) => status)),
    seconds: Math.max(...errors.map((error, at) => secondsOf(error, rows[at]!.retryAfter))),
  }
}

/** Returns how long the client has to wait: what the error says, else what the table says. */
function secondsOf({ extensions }: GraphQLFormattedError, otherwise: number): number {
  return plausibleRetryAfter(extensions?.retryAfter) ?? otherwise
}

/**
 * A row that has 200 is one of a part of the response; here nothing else is left of it. A code of a
 * subgraph's own says something about the request, such as that an article is out of stock.
 */
function rowOf(code: unknown, error: GraphQLError | undefined): ErrorRow {
  if (code === 'UNAUTHENTICATED') return errorTable.TOKEN_MISSING
  if (code === 'FORBIDDEN') return { ...errorTable.FORBIDDEN, status: 403 }
  const row = Object.entries(errorTable).find(([name]) => name === code)?.[1]
  if (!row && error && passedExtensions in error.extensions) return errorTable.BAD_REQUEST
  return row && row.status !== 200 ? row : errorTable.INTERNAL_SERVER_ERROR
}
