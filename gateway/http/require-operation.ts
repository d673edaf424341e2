import type { ApolloServerPlugin } from '@apollo/server'
import { GatewayError } from '../errors.ts'
import { pipelineError } from './client-errors.ts'

/** Returns the Apollo Server plugin that refuses a document without the operation that is asked for. */
export function requireOperation(): ApolloServerPlugin {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation }) {
          if (operation) return
          throw pipelineError(new GatewayError('OPERATION_RESOLUTION_FAILURE'))
        },
      }
    },
  }
}
