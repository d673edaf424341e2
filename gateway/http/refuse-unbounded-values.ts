/** Refuses values that are nested too deeply, before anything reads them by recursion. */
import { GatewayError } from '../errors.ts'

/** The deepest nesting of variables and extensions, far above any practical use. */
const deepestValue = 200

/**
 * Throws a GatewayError for variables or extensions that are nested too deeply, and for variables with
 * a number that is not finite: no subgraph would get it.
 */
export function refuseUnboundedValues(parameters: Readonly<Record<string, unknown>>): void {
  const fault = faultOf(parameters['variables'], deepestValue + 1)
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
  if (faultOf(parameters['extensions'], deepestValue + 1) === 'too deep') {
    throw new GatewayError('EXTENSIONS_TOO_DEEP', {
      message: `The extensions are nested deeper than ${deepestValue} levels`,
    })
  }
}

/**
 * Returns the problem with a JSON value: lists and objects nested deeper than a number of levels, or a
 * number beyond a double, which JSON.parse makes infinite and JSON.stringify null.
 */
function faultOf(value: unknown, levels: number): 'too deep' | 'infinite' | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'infinite'
  if (typeof value !== 'object' || value === null) return undefined
  if (levels === 0) return 'too deep'
  for (const inner of Object.values(value)) {
    const fault = faultOf(inner, levels - 1)
    if (fault) return fault
  }
  return undefined
}
