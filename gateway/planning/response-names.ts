/**
 * The fault: the planner adds fields of its own, for `@key` and `@requires`, under their own names. A
 * client's alias may be such a name (`weight: name`), and a client's arguments may give such a field
 * another value (`weight(unit: KG)`): then one takes the place of the other.
 *
 * What the client selects under such a name is therefore fetched under a name that no field has, and
 * gets the client's name back when the response is written.
 */
import { Kind, print, visit } from 'graphql'
import type { DocumentNode, FieldNode, OperationDefinitionNode } from 'graphql'
import { fieldNamesOf, parseFieldSet } from '../graphql/field-set.ts'
import type { DocumentNames, OperationToPlan, PassRules } from './passes.ts'
import { remembered } from '../values/remembered.ts'

/** Names that every object has by itself: never used as response names in fetched data. */
const namesOfObjects = Object.getOwnPropertyNames(Object.prototype)

export interface ResponseNames {
  /** Returns the names for one document. */
  of(document: DocumentNode): DocumentNames
  /** Returns the client's name for a name in the fetched data. */
  clientName(fetched: string): string
}

/** The names that a supergraph uses: data that can be sent to another thread. */
export interface NamesInUse {
  /** Names under which the planner may add fields by itself. */
  readonly taken: ReadonlySet<string>
  /** What no name of a field starts with. */
  readonly prefix: string
  readonly hasInterfaceObjects: boolean
}

/** Returns what a supergraph says about names. */
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
      // For an interface object, what is selected of several types is selected of one.
      const calls = hasInterfaceObjects ? callsByKey(document) : undefined
      return { fetchedAs: (field) => nameFor(field, calls) }
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

/** Returns the operation with the names for fetched data. */
export function separateResponseNames(
  operation: OperationDefinitionNode,
  { names }: Pick<PassRules, 'names'>,
  { document }: OperationToPlan,
): OperationDefinitionNode {
  const { fetchedAs } = names.of(document)
  return visit(operation, {
    Field(field) {
      const key = fetchedAs(field)
      if (key === (field.alias ?? field.name).value) return undefined
      return { ...field, alias: { kind: Kind.NAME, value: key } }
    },
  })
}

type Calls = ReadonlyMap<string, readonly string[]>

/** Returns the different calls (fields with arguments) under each response name. */
function callsByKey(document: DocumentNode): Calls {
  const calls = new Map<string, string[]>()
  visit(document, {
    Field(field) {
      const known = remembered(calls, (field.alias ?? field.name).value, () => [])
      const call = callOf(field)
      if (!known.includes(call)) known.push(call)
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
        visit(value, { StringValue: (text) => void sets.push(text.value) })
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
