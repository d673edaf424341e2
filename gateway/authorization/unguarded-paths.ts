/** The paths to guarded types that require nothing themselves. */
import { OperationTypeNode } from 'graphql'
import { printGuard } from './guard-directives.ts'
import type { GuardedField, GuardedSchema, GuardedType } from './guarded-schema.ts'

/** A way around a guard. */
export interface UnguardedPath {
  /** The field that leads there. */
  readonly coordinate: string
  /** What any caller reaches, and what to do. */
  readonly message: string
}

/** A field with its type. */
interface Edge {
  readonly from: GuardedType
  readonly field: GuardedField
}

/**
 * Returns the fields through which any caller reaches a type that is guarded elsewhere: by a guard on the
 * type itself, or on every root field that returns it. Fields and types marked @public are excluded.
 */
export function unguardedPaths(schema: GuardedSchema): UnguardedPath[] {
  const reachable = reachableByAnyCaller(schema)
  const edges = [...schema.types.values()].flatMap((from) =>
    [...from.fields.values()].map((field) => ({ from, field })),
  )
  const open = edges.filter((edge) => reachable.has(edge.from.name) && isOpen(edge))
  return [...open.flatMap(toMembers), ...open.filter(leadsAround).map(around)]

  function isOpen({ from, field }: Edge): boolean {
    return !isPublic({ from, field }) && schema.fieldRequirement(from.name, field.name).length === 0
  }

  /** A union or an interface is unguarded although one of its types is guarded. */
  function toMembers(edge: Edge): UnguardedPath[] {
    const { field } = edge
    const output = schema.types.get(field.namedType)
    if (output === undefined || output.kind === 'object' || output.public) return []
    const guarded = [...schema.possibleTypes(output.name)]
      .map((name) => schema.types.get(name)!)
      .filter(({ guards }) => guards.length > 0)
    return guarded.map(({ name, guards }) => ({
      coordinate: field.coordinate,
      message: `any caller reaches ${name} as ${output.name} through ${pathOf(edge)}, although ${name} demands ${guards.map(printGuard).join(' and ')}: guard ${field.coordinate}, or mark it @public`,
    }))
  }

  /** Every root field that returns the type is guarded, and this edge bypasses them. */
  function leadsAround({ from, field }: Edge): boolean {
    const output = schema.types.get(field.namedType)
    if (output === undefined || output.kind === 'scalar' || output.kind === 'enum') return false
    if (isRoot(from) || output.public || !showsSomething(output)) return false
    const front = rootEdges(output.name)
    return front.length > 0 && front.every((edge) => edge.field.guards.length > 0)
  }

  function around(edge: Edge): UnguardedPath {
    const { field } = edge
    const front = rootEdges(field.namedType)[0]!.field
    return {
      coordinate: field.coordinate,
      message: `any caller reaches ${field.namedType} through ${pathOf(edge)}, although ${front.coordinate} demands ${front.guards.map(printGuard).join(' and ')}: guard the type ${field.namedType}, or mark ${field.coordinate} @public`,
    }
  }

  /** Returns the shortest path, as in `Query.review > Review.author`. */
  function pathOf({ from, field }: Edge): string {
    return [...reachable.get(from.name)!, field.coordinate].join(' > ')
  }

  function rootEdges(typeName: string): Edge[] {
    return edges.filter(
      (edge) => isRoot(edge.from) && edge.field.namedType === typeName && !isPublic(edge),
    )
  }

  /** Whether it has a field that is neither guarded nor marked @public. */
  function showsSomething({ name, kind, fields }: GuardedType): boolean {
    if (kind === 'union')
      return [...schema.possibleTypes(name)].some((member) =>
        showsSomething(schema.types.get(member)!),
      )
    return [...fields.values()].some(
      (field) => !field.public && schema.fieldRequirement(name, field.name).length === 0,
    )
  }

  function isRoot({ name }: GuardedType): boolean {
    return Object.values(OperationTypeNode).some((operation) => schema.rootType(operation) === name)
  }
}

function isPublic({ from, field }: Edge): boolean {
  return from.public || field.public
}

/** The types that a caller without a token can reach, with the fields that lead there. */
function reachableByAnyCaller(schema: GuardedSchema): ReadonlyMap<string, readonly string[]> {
  const reached = new Map<string, readonly string[]>()
  const queue: { name: string; path: readonly string[] }[] = Object.values(OperationTypeNode).map(
    (operation) => ({ name: schema.rootType(operation) ?? '', path: [] }),
  )
  for (const { name, path } of queue) {
    const type = schema.types.get(name)
    if (type === undefined || reached.has(name)) continue
    reached.set(name, path)
    for (const member of schema.possibleTypes(name)) queue.push({ name: member, path })
    for (const field of type.fields.values()) {
      if (schema.fieldRequirement(name, field.name).length > 0) continue
      queue.push({ name: field.namedType, path: [...path, field.coordinate] })
    }
  }
  return reached
}
