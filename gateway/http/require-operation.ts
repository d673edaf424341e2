import type { ApolloServerPlugin } from '@apollo/server'
import type { DocumentNode } from 'graphql'
import { GatewayError } from '../errors.ts'
import { pipelineError } from './client-errors.ts'

const notServed = {
  query: 'OPERATION_RESOLUTION_FAILURE',
  mutation: 'MUTATIONS_NOT_SERVED',
  subscription: 'SUBSCRIPTIONS_NOT_SERVED',
} as const

/**
 * Returns the Apollo Server plugin that refuses a document without the operation that is asked for and
 * an operation of a kind that is not served, and reports one that has passed validation.
 */
export function requireOperation(
  onOperation: (text: string, operationName: string | undefined, document: DocumentNode) => void,
): ApolloServerPlugin {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation, source, document, request, schema }) {
          if (!operation) throw pipelineError(new GatewayError('OPERATION_RESOLUTION_FAILURE'))
          if (!schema.getRootType(operation.operation)) {
            throw pipelineError(new GatewayError(notServed[operation.operation]))
          }
          onOperation(source, request.operationName, document)
        },
      }
    },
  }
}
