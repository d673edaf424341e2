/** Keys of gateway.yaml that have been renamed. The former name stays accepted, with a warning. */

type Path = readonly PropertyKey[]

/**
 * The path of each former key, with the current name of the key. `*` is any entry of a mapping or a list.
 * The sections on the way to the key have their current names.
 */
export const renamedKeys: Readonly<Record<string, string>> = {
  'authentication.issuers.*.revocation.cut_offs': 'not_before',
  'authentication.api_keys.exchange': 'token_endpoint',
  'authentication.api_keys.token_type': 'subject_token_type',
  'claims.subgraphs.*.client': 'client_headers',
  'subgraphs.*.breaker': 'circuit_breaker',
  'subgraphs.*.join': 'batch_entity_fetches',
  'subgraphs.*.share': 'deduplicate_requests',
}

const renames = Object.entries(renamedKeys).map(([path, current]) => ({
  steps: path.split('.'),
  former: path.split('.').at(-1)!,
  current,
}))

/** A former key in a file: its path there, and the current name. */
export interface FormerKey {
  readonly path: Path
  readonly current: string
}

export interface CurrentContent {
  readonly content: unknown
  /** The former keys that the file uses. */
  readonly former: readonly FormerKey[]
  /** The former keys that the file also gives under their current name; they are not in the content. */
  readonly givenTwice: readonly FormerKey[]
  /** Returns the path in the file of a path in the content. */
  pathInFile(path: Path): Path
}

/** Returns the content of a file with every former key under its current name. */
export function withCurrentNames(file: unknown): CurrentContent {
  const former: FormerKey[] = []
  const givenTwice: FormerKey[] = []
  const formerNames = new Map<string, string>()
  const content = rename(file, [])
  return { content, former, givenTwice, pathInFile }

  function rename(value: unknown, path: Path): unknown {
    if (Array.isArray(value)) return value.map((entry, index) => rename(entry, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, entry]) => {
        const current = currentName([...path, key])
        if (current === undefined) return [[key, rename(entry, [...path, key])]]
        const found = { path: pathInFile([...path, key]), current }
        if (Object.hasOwn(value, current)) {
          givenTwice.push(found)
          return []
        }
        former.push(found)
        formerNames.set(JSON.stringify([...path, current]), key)
        return [[current, rename(entry, [...path, current])]]
      }),
    )
  }

  function pathInFile(path: Path): Path {
    return path.map(
      (key, index) => formerNames.get(JSON.stringify(path.slice(0, index + 1))) ?? key,
    )
  }
}

function currentName(path: Path): string | undefined {
  return renames.find(
    ({ steps }) =>
      steps.length === path.length &&
      steps.every((step, index) => step === '*' || step === path[index]),
  )?.current
}

/** As much of a JSON Schema as leads to the keys of a configuration. */
export interface JsonSchema {
  description?: string
  deprecated?: boolean
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  anyOf?: JsonSchema[]
  allOf?: object[]
}

/** Adds the former keys to a JSON Schema of the configuration, each marked as deprecated. */
export function addFormerKeys(schema: JsonSchema): void {
  for (const { steps, former, current } of renames) {
    for (const section of sectionsAt(schema, steps.slice(0, -1))) {
      const { properties = {}, required = [], allOf = [] } = section
      if (!properties[current]) continue
      const description = `The former name of ${current}`
      properties[former] = { ...properties[current], description, deprecated: true }
      if (!required.includes(current)) continue
      section.required = required.filter((name) => name !== current)
      section.allOf = [...allOf, { anyOf: [{ required: [current] }, { required: [former] }] }]
    }
  }
}

function sectionsAt(schema: JsonSchema, [step, ...rest]: readonly string[]): JsonSchema[] {
  const alternatives = (schema.anyOf ?? []).flatMap((one) =>
    sectionsAt(one, step === undefined ? [] : [step, ...rest]),
  )
  if (step === undefined) return [schema, ...alternatives]
  const { items, additionalProperties, properties } = schema
  const entries = typeof additionalProperties === 'object' ? additionalProperties : items
  const inner = step === '*' ? entries : properties?.[step]
  return [...alternatives, ...(inner ? sectionsAt(inner, rest) : [])]
}
