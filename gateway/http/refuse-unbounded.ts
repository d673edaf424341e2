/** Refuses what would have to be read by a recursion that has no bound, before anything reads it. */
import { GatewayError } from '../errors.ts'
import { deepestValue, documentNesting, faultOf } from './nesting.ts'

/**
 * Throws a GatewayError for variables or extensions that are nested too deeply, and for variables with a
 * number that no subgraph would get.
 */
export function refuseUnboundedValues(asked: Readonly<Record<string, unknown>>): void {
  const { variables, extensions } = asked
  const fault = faultOf(variables, deepestValue + 1)
  if (fault === 'too deep') {
    throw new GatewayError('VARIABLES_TOO_DEEP', {
      message: `The variables are nested deeper than ${deepestValue} levels`,
    })
  }
  if (fault === 'infinite') {
    throw new GatewayError('BAD_USER_INPUT', {
      message: 'A number in the variables is larger than a Float can be',
    })
  }
  if (faultOf(extensions, deepestValue + 1) === 'too deep') {
    throw new GatewayError('EXTENSIONS_TOO_DEEP', {
      message: `The extensions are nested deeper than ${deepestValue} levels`,
    })
  }
}

/**
 * Throws a GatewayError for a document that is nested too deeply for validation. Validation itself
 * refuses operations deeper than `depth`, fragments counted where they are spread.
 */
export function refuseDeepDocument(text: string, depth: number): void {
  if (text.length <= Math.min(depth, deepestValue)) return
  const { selections, values } = documentNesting(text)
  if (selections > 2 * depth) {
    throw new GatewayError('DOCUMENT_TOO_DEEP', {
      message: `The document is nested deeper than ${depth} levels`,
    })
  }
  if (values > deepestValue) {
    throw new GatewayError('DOCUMENT_TOO_DEEP', {
      message: `A value in the document is nested deeper than ${deepestValue} levels`,
    })
  }
}
