/** The measures of the variables of a request, under the names of their limits in gateway.yaml. */
export interface VariablesSize {
  /** The deepest nesting: a variable that is a list of objects has 2. */
  readonly variables_depth: number
  /** The bytes of their JSON text in UTF-8, without white space. */
  readonly variables_size: number
}

/** How large variables may be; what is left out is not measured. */
export type MostOfVariables = Readonly<Partial<VariablesSize>>

/**
 * Returns the size of variables; a size that is certainly within its limit is not exact. The variables have
 * been read from JSON, whose nesting is limited.
 */
export function measureVariables(
  variables: Readonly<Record<string, unknown>>,
  { variables_depth, variables_size }: MostOfVariables,
): VariablesSize {
  return {
    variables_depth: variables_depth === undefined ? 0 : nestingOf(variables) - 1,
    variables_size: variables_size === undefined ? 0 : sizeOf(variables, variables_size),
  }
}

function nestingOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let deepest = 0
  if (Array.isArray(value)) {
    for (const inner of value) deepest = Math.max(deepest, nestingOf(inner))
  } else {
    for (const key in value) deepest = Math.max(deepest, nestingOf(memberOf(value, key)))
  }
  return deepest + 1
}

function sizeOf(variables: object, most: number): number {
  const bound = longestText(variables)
  return bound <= most ? bound : Buffer.byteLength(JSON.stringify(variables))
}

/** The longest form of a character, `\u001f`, of a number, and of `false`. */
const longest = { character: 6, number: 25, word: 5 }

/** Returns a bound for the bytes of a JSON text, which takes a fraction of the time that writing it takes. */
function longestText(value: unknown): number {
  if (typeof value === 'string') return value.length * longest.character + 2
  if (typeof value === 'number') return longest.number
  if (typeof value !== 'object' || value === null) return longest.word
  let size = 2
  if (Array.isArray(value)) {
    for (const inner of value) size += longestText(inner) + 1
  } else {
    for (const key in value) {
      size += key.length * longest.character + 4 + longestText(memberOf(value, key))
    }
  }
  return size
}

function memberOf(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key]
}
