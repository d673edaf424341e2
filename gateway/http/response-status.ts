/**
 * The HTTP status of a well-formed answer without data, for clients that accept
 * `application/graphql-response+json` (GraphQL over HTTP, section 6.4.2): that of its first error.
 * Plain `application/json` keeps 200, as section 6.4.1 wants it.
 */
import type { ApolloServerPlugin } from '@apollo/server'
import type { GraphQLFormattedError } from 'graphql'
import { errorTable } from '../errors.ts'
import type { ErrorRow } from '../errors.ts'
import { statusTells } from './media-type.ts'
import { challenge } from './refusal.ts'

/** Returns the Apollo Server plugin that sets the status. */
export function responseStatus(realm: string): ApolloServerPlugin {
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ request, response }) {
          if (response.body.kind !== 'single') return
          const { data, errors } = response.body.singleResult
          if (response.http.status !== undefined) return
          if (isOverloaded(data, errors)) {
            const { status, retryAfter } = errorTable.SERVICE_UNAVAILABLE
            response.http.status = status
            response.http.headers.set('retry-after', String(retryAfter))
            return
          }
          if (data !== null) return
          if (!statusTells(request.http?.headers.get('accept'))) return
          const row = rowOf(errors?.[0]?.extensions?.code)
          response.http.status = row.status
          if (!row.challenge) return
          response.http.headers.set('www-authenticate', challenge(row, realm))
        },
      }
    },
  }
}

/** Nothing but "try again": proxies and clients have to see it, whatever the media type. */
function isOverloaded(data: unknown, errors: readonly GraphQLFormattedError[] = []): boolean {
  const codes = errors.map(({ extensions }) => extensions?.code)
  if (codes.length === 0 || codes.some((code) => code !== 'SERVICE_UNAVAILABLE')) return false
  return Object.values(data ?? {}).every((value) => value === null)
}

/** A row that has 200 is one of a part of the answer; here nothing else is left of it. */
function rowOf(code: unknown): ErrorRow {
  if (code === 'UNAUTHENTICATED') return errorTable.TOKEN_MISSING
  if (code === 'FORBIDDEN') return { ...errorTable.FORBIDDEN, status: 403 }
  const row = Object.entries(errorTable).find(([name]) => name === code)?.[1]
  return row && row.status !== 200 ? row : errorTable.INTERNAL_SERVER_ERROR
}
