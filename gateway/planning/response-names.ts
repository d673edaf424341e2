/**
 * The names under which a plan fetches what the client asked for.
 *
 * The planner adds fields of its own, for `@key` and `@requires`, under their own names. A client's
 * alias may be just such a name (`weight: name`), and a client's arguments may give such a field
 * another value (`weight(unit: KG)`). Whatever the client asks for under such a name is therefore
 * fetched under a name that no field has, and goes back to the client's when the response is written.
 */
import { Kind, print, visit } from 'graphql'
import type { DocumentNode, FieldNode } from 'graphql'
import { fieldNamesOf, parseFieldSet } from '../graphql/field-set.ts'

/** Names that a plain object has of itself: never used as response names in fetched data. */
const namesOfObjects = Object.getOwnPropertyNames(Object.prototype)

export interface ResponseNames {
  /** Returns the names for one document. */
  of(document: DocumentNode): DocumentNames
  /** The client's name for a name in the fetched data. */
  clientName(fetched: string): string
}

export interface DocumentNames {
  /** Returns the same operations, asking under the names for fetched data. */
  separate(document: DocumentNode): DocumentNode
  /** The name under which the client's field is found in the fetched data. */
  fetchedAs(field: FieldNode): string
}

/** What a supergraph says about names: data that can be sent to another thread. */
export interface NamesInUse {
  /** Names under which the planner may add fields by itself. */
  readonly taken: ReadonlySet<string>
  /** What no name of a field starts with. */
  readonly prefix: string
  readonly hasInterfaceObjects: boolean
}

export function namesInUse(supergraph: DocumentNode, hasInterfaceObjects: boolean): NamesInUse {
  return {
    taken: new Set(['__typename', ...namesOfObjects, ...plannersFields(supergraph)]),
    prefix: unusedPrefix(supergraph),
    hasInterfaceObjects,
  }
}

/** Returns the names for a supergraph. */
export function responseNames({ taken, prefix, hasInterfaceObjects }: NamesInUse): ResponseNames {
  const ours = new RegExp(`^${prefix}\\d*_`)

  return {
    clientName: (fetched) => (fetched.startsWith(prefix) ? fetched.replace(ours, '') : fetched),
    of(document) {
      // For an interface object, what was asked for of several types comes under one.
      const calls = hasInterfaceObjects ? callsByKey(document) : undefined
      const fetchedAs = (field: FieldNode) => nameFor(field, calls)
      return {
        fetchedAs,
        separate: (other) =>
          visit(other, {
            Field(field) {
              const key = fetchedAs(field)
              if (key === (field.alias ?? field.name).value) return undefined
              return { ...field, alias: { kind: Kind.NAME, value: key } }
            },
          }) as DocumentNode,
      }
    },
  }

  function nameFor(field: FieldNode, calls: Calls | undefined): string {
    const key = (field.alias ?? field.name).value
    const others = calls?.get(key)
    if (others && others.length > 1) {
      const index = others.indexOf(callOf(field))
      if (index > 0) return `${prefix}${index}_${key}`
    }
    const isPlain = key === field.name.value && !field.arguments?.length
    if (isPlain && !namesOfObjects.includes(key)) return key
    return taken.has(key) ? `${prefix}_${key}` : key
  }
}

type Calls = ReadonlyMap<string, readonly string[]>

/** Returns the different calls that stand under each response name. */
function callsByKey(document: DocumentNode): Calls {
  const calls = new Map<string, string[]>()
  visit(document, {
    Field(field) {
      const key = (field.alias ?? field.name).value
      const call = callOf(field)
      const known = calls.get(key)
      if (!known) calls.set(key, [call])
      else if (!known.includes(call)) known.push(call)
    },
  })
  return calls
}

function callOf({ name, arguments: given }: FieldNode): string {
  return [name.value, ...(given ?? []).map(print)].join(' ')
}

/** The fields in keys, requirements and contexts of the supergraph. */
function plannersFields(supergraph: DocumentNode): string[] {
  const sets: string[] = []
  visit(supergraph, {
    Directive(directive) {
      const { value: name } = directive.name
      if (name !== 'join__type' && name !== 'join__field') return
      for (const { name: argument, value } of directive.arguments ?? []) {
        if (!['key', 'requires', 'contextArguments'].includes(argument.value)) continue
        visit(value, {
          StringValue: (text) => void sets.push(text.value),
        })
      }
    },
  })
  return sets.flatMap(namesIn)
}

function namesIn(text: string): string[] {
  try {
    return fieldNamesOf(parseFieldSet(text))
  } catch {
    return []
  }
}

function unusedPrefix(supergraph: DocumentNode): string {
  const names: string[] = []
  visit(supergraph, { FieldDefinition: ({ name }) => void names.push(name.value) })
  let prefix = '_as'
  while (names.some((name) => name.startsWith(prefix))) prefix = `_${prefix}`
  return prefix
}
