/**
 * What a guarded operation's response must be, worked out in another way than the gateway's: resolver by
 * resolver over the complete operation, without a plan, a reduced document or a writer.
 */
import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isLeafType,
} from 'graphql'
import type { FieldNode, GraphQLOutputType, GraphQLSchema } from 'graphql'
import type {
  GuardedOperation,
  GuardedSelections,
} from '../../../gateway/authorization/guarded-operation.ts'
import type { TestSubgraph } from './guarded-graph.ts'

/** A field that must be reported as denied. */
export interface ExpectedDenial {
  readonly path: readonly (string | number)[]
  readonly nodes: readonly FieldNode[]
  /** The guards that the places of the field require. */
  readonly requirement: readonly number[]
}

export interface ExpectedResponse {
  readonly data: unknown
  readonly denials: readonly ExpectedDenial[]
  /** Where a value does not fit the schema, `['me', 'level']` as `me.level`. */
  readonly fieldErrors: ReadonlySet<string>
}

export interface OracleParts {
  readonly apiSchema: GraphQLSchema
  readonly subgraphs: Readonly<Record<string, TestSubgraph>>
  readonly failing: ReadonlySet<number>
  readonly variables: Readonly<Record<string, unknown>>
}

interface Place {
  readonly set: GuardedSelections
  /** What is denied around it; undefined: nothing. */
  readonly around: readonly number[] | undefined
}

interface Occurrence {
  readonly node: FieldNode
  readonly set: GuardedSelections | undefined
  readonly around: readonly number[] | undefined
}

type Path = readonly (string | number)[]
type Source = Readonly<Record<string, unknown>>
type Resolve = (source: Source) => unknown

/** A null that the value around it must not hold. */
class Null {
  readonly reason: 'denied' | 'field error'
  constructor(reason: 'denied' | 'field error') {
    this.reason = reason
  }
}

/** Returns the response of an operation that is executed. */
export function expectedResponse(
  { selections, operation, conditionVariables }: GuardedOperation,
  { apiSchema, subgraphs, failing, variables }: OracleParts,
): ExpectedResponse {
  let denials: ExpectedDenial[] = []
  const fieldErrors = new Set<string>()
  const rootType = apiSchema.getRootType(operation.operation)!.name
  const data = objectOf(rootType, {}, [{ set: selections, around: undefined }], [])
  return { data: data instanceof Null ? null : data, denials, fieldErrors }

  function objectOf(typeName: string, source: Source, places: readonly Place[], path: Path) {
    const before = denials
    const fields: Record<string, unknown> = Object.create(null)
    const nulls: Null[] = []
    for (const [key, occurrences] of fieldsOf(typeName, places)) {
      const value = fieldOf(typeName, source, occurrences, [...path, key])
      if (value instanceof Null) nulls.push(value)
      else fields[key] = value
    }
    return settled(fields, nulls, before)
  }

  /** What is null because of a field error says nothing of what is denied in it. */
  function settled<Of>(value: Of, nulls: readonly Null[], before: ExpectedDenial[]): Of | Null {
    const error = nulls.find(({ reason }) => reason === 'field error')
    if (error) denials = before
    return error ?? nulls[0] ?? value
  }

  function fieldOf(
    typeName: string,
    source: Source,
    occurrences: readonly Occurrence[],
    path: Path,
  ): unknown {
    const nodes = occurrences.map(({ node }) => node)
    const name = nodes[0]!.name.value
    if (name === '__typename') return typeName
    const type = apiSchema.getType(typeName)
    if (!isObjectType(type)) throw new Error(`${typeName} is no object type`)
    const { type: output } = type.getFields()[name]!
    if (occurrences.every(({ around }) => around)) {
      const requirement = occurrences.flatMap(({ around = [] }) => around)
      denials = [...denials, { path, nodes, requirement }]
      return isNonNullType(output) ? new Null('denied') : null
    }
    const below = occurrences.flatMap(({ set, around }) => (set ? [{ set, around }] : []))
    return valueOf(output, resolve(typeName, name, source), below, path)
  }

  function valueOf(
    type: GraphQLOutputType,
    value: unknown,
    places: readonly Place[],
    path: Path,
  ): unknown {
    if (!isNonNullType(type)) {
      const found = value == null ? null : presentOf(type, value, places, path)
      return found instanceof Null ? null : found
    }
    if (value == null) return fieldError(path)
    return presentOf(type.ofType, value, places, path)
  }

  function presentOf(
    type: GraphQLOutputType,
    value: unknown,
    places: readonly Place[],
    path: Path,
  ): unknown {
    if (isListType(type)) {
      const before = denials
      const elements = (value as unknown[]).map((element, index) =>
        valueOf(type.ofType, element, places, [...path, index]),
      )
      return settled(
        elements,
        elements.filter((element) => element instanceof Null),
        before,
      )
    }
    const named = getNamedType(type)
    if (!isLeafType(named)) {
      const source = value as Source
      return objectOf(String(source.__typename), source, places, path)
    }
    return isEnumType(named) && !named.getValue(String(value)) ? fieldError(path) : value
  }

  function fieldError(path: Path): Null {
    fieldErrors.add(path.join('.'))
    return new Null('field error')
  }

  function resolve(typeName: string, fieldName: string, source: Source): unknown {
    const resolver = Object.values(subgraphs).find(
      ({ resolvers = {} }) => resolvers[typeName]?.[fieldName],
    )?.resolvers?.[typeName]?.[fieldName] as Resolve | undefined
    if (!resolver) return source[fieldName]
    if (fieldName !== 'requiring') return resolver(source)
    return resolver({ ...source, needed: resolve(typeName, 'needed', source) })
  }

  function fieldsOf(typeName: string, places: readonly Place[]): Map<string, Occurrence[]> {
    const fields = new Map<string, Occurrence[]>()
    const visited = { denied: new Set<GuardedSelections>(), allowed: new Set<GuardedSelections>() }
    for (const place of places) collect(place)
    return fields

    function collect({ set, around }: Place): void {
      const seen = around ? visited.denied : visited.allowed
      if (seen.has(set)) return
      seen.add(set)
      for (const selection of set.selections) {
        const { conditions, requirement, selections } = selection
        if (!conditions.every(({ kind, if: value }) => holds(kind, value))) continue
        const isDenied = around !== undefined || requirement.some((one) => failing.has(one))
        const within = isDenied ? [...(around ?? []), ...requirement] : undefined
        if (selection.kind === 'fragment') {
          if (isOf(typeName, selection.typeCondition)) {
            collect({ set: selection.selections, around: within })
          }
          continue
        }
        const others = fields.get(selection.responseKey) ?? []
        const occurrence = { node: selection.node, set: selections, around: within }
        fields.set(selection.responseKey, [...others, occurrence])
      }
    }
  }

  function isOf(typeName: string, condition: string | undefined): boolean {
    if (condition === undefined || typeName === condition) return true
    const type = apiSchema.getType(condition)
    return (
      isAbstractType(type) && apiSchema.getPossibleTypes(type).some(({ name }) => name === typeName)
    )
  }

  function holds(kind: 'skip' | 'include', value: boolean | string): boolean {
    const decided =
      typeof value === 'boolean' ? value : (variables[value] ?? conditionVariables.get(value))
    return (decided === true) === (kind === 'include')
  }
}
