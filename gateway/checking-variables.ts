import type { GraphQLSchema } from 'graphql'
import { getOperationAST } from 'graphql'
import type { Engine } from './authorized-engine.ts'
import { variableErrors } from './execution/variable-errors.ts'

/**
 * Returns the engine behind a check of the variables. @apollo/gateway by itself reports every value that
 * does not fit, each with all that is around it: many times as much as the request.
 */
export function checkingVariables(engine: Engine): Engine {
  let schema: GraphQLSchema | undefined
  return {
    onSchemaLoadOrUpdate: (callback) => engine.onSchemaLoadOrUpdate(callback),
    stop: () => engine.stop(),
    async load(options) {
      engine.onSchemaLoadOrUpdate(({ apiSchema }) => (schema = apiSchema))
      const { executor } = await engine.load(options)
      return {
        async executor(request) {
          const { document, operationName } = request
          const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? []
          const errors = variableErrors(schema!, definitions, request.request.variables ?? {})
          return errors.length > 0 ? { errors } : executor!(request)
        },
      }
    },
  }
}
