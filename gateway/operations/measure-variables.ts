/** The measures of the variables of a request, under the names of their limits in gateway.yaml. */
export interface VariablesSize {
  /** The deepest nesting: a variable that is a list of objects has 2. */
  readonly variables_depth: number
  /** The bytes of their JSON text in UTF-8, without white space. */
  readonly variables_size: number
}

/** Returns the size of variables. They have been read from JSON, whose nesting is limited. */
export function measureVariables(variables: Readonly<Record<string, unknown>>): VariablesSize {
  return {
    variables_depth: nestingOf(variables) - 1,
    variables_size: Buffer.byteLength(JSON.stringify(variables)),
  }
}

function nestingOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let deepest = 0
  for (const inner of Object.values(value)) deepest = Math.max(deepest, nestingOf(inner))
  return deepest + 1
}
