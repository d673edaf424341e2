import type { ApolloServerPlugin } from '@apollo/server'
import type { DocumentNode } from 'graphql'
import { GatewayError } from '../errors.ts'
import { pipelineError } from './client-errors.ts'

/**
 * Returns the Apollo Server plugin that refuses a document without the operation that is asked for,
 * and tells of one that has passed validation.
 */
export function requireOperation(
  onOperation: (text: string, operationName: string | undefined, document: DocumentNode) => void,
): ApolloServerPlugin {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation, source, document, request }) {
          if (!operation) throw pipelineError(new GatewayError('OPERATION_RESOLUTION_FAILURE'))
          onOperation(source, request.operationName, document)
        },
      }
    },
  }
}
