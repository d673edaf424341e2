import { GraphQLError } from 'graphql'
import type { Engine } from './authorized-engine.ts'
import { errorTable } from './errors.ts'

/** What @apollo/gateway says of a text in the place of a list, or a number in that of an object. */
const misshapen = /^Invalid non-(list|object|string) value /

/**
 * Returns the engine with an error of the subgraph in place of an unforeseen one for a response that
 * @apollo/gateway cannot shape: it does without the whole response then.
 */
export function reportingMisshapenResponses(engine: Engine): Engine {
  return {
    onSchemaLoadOrUpdate: (callback) => engine.onSchemaLoadOrUpdate(callback),
    stop: () => engine.stop(),
    async load(options) {
      const { executor } = await engine.load(options)
      return {
        async executor(request) {
          const result = await executor!(request)
          const isMisshapen = result.errors?.some(({ message }) => misshapen.test(message))
          if (result.data !== undefined || !isMisshapen) return result
          const { code, message } = errorTable.SUBGRAPH_RESPONSE_INVALID
          return { data: null, errors: [new GraphQLError(message, { extensions: { code } })] }
        },
      }
    },
  }
}
