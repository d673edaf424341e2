/** Ways to guarded types on which nothing is demanded. */
import { OperationTypeNode } from 'graphql'
import { printGuard } from '../../gateway/authorization/guard.ts'
import type {
  GuardedField,
  GuardedSchema,
  GuardedType,
} from '../../gateway/authorization/guarded-schema.ts'
import type { Unplaced } from './finding.ts'

/** A field on the type that has it. */
interface Road {
  readonly from: GuardedType
  readonly field: GuardedField
}

/**
 * Returns the fields through which anybody reaches a type that is guarded elsewhere: by a guard on the
 * type itself, or on every root field that hands it out. What is marked @public is meant.
 */
export function openRoads(schema: GuardedSchema): Unplaced[] {
  const reachable = reachableByAnybody(schema)
  const roads = [...schema.types.values()].flatMap((from) =>
    [...from.fields.values()].map((field) => ({ from, field })),
  )
  const open = roads.filter((road) => reachable.has(road.from.name) && isOpen(road))
  return [...open.flatMap(toMembers), ...open.filter(leadsAround).map(around)]

  function isOpen({ from, field }: Road): boolean {
    return !isPublic({ from, field }) && schema.fieldRequirement(from.name, field.name).length === 0
  }

  /** A union or an interface is open although a type in it is guarded. */
  function toMembers({ field }: Road): Unplaced[] {
    const output = schema.types.get(field.namedType)
    if (output === undefined || output.kind === 'object' || output.public) return []
    const guarded = [...schema.possibleTypes(output.name)]
      .map((name) => schema.types.get(name)!)
      .filter(({ guards }) => guards.length > 0)
    return guarded.map(({ name, guards }) => ({
      severity: 'error',
      code: 'GUARDED_TYPE_REACHABLE',
      coordinate: field.coordinate,
      message: `anybody reaches ${name} as ${output.name} through ${field.coordinate}, although ${name} demands ${guards.map(printGuard).join(' and ')}: guard ${field.coordinate}, or mark it @public`,
    }))
  }

  /** Every root field that hands the type out demands something, and this road leads around them. */
  function leadsAround({ from, field }: Road): boolean {
    const output = schema.types.get(field.namedType)
    if (output === undefined || output.kind === 'scalar' || output.kind === 'enum') return false
    if (isRoot(from) || output.public || !showsSomething(output)) return false
    const front = frontRoads(output.name)
    return front.length > 0 && front.every((road) => road.field.guards.length > 0)
  }

  function around({ field }: Road): Unplaced {
    const front = frontRoads(field.namedType)[0]!.field
    return {
      severity: 'error',
      code: 'GUARDED_TYPE_REACHABLE',
      coordinate: field.coordinate,
      message: `anybody reaches ${field.namedType} through ${field.coordinate}, although ${front.coordinate} demands ${front.guards.map(printGuard).join(' and ')}: guard the type ${field.namedType}, or mark ${field.coordinate} @public`,
    }
  }

  function frontRoads(typeName: string): Road[] {
    return roads.filter(
      (road) => isRoot(road.from) && road.field.namedType === typeName && !isPublic(road),
    )
  }

  /** Whether there is a field on it that nobody has guarded or marked. */
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

function isPublic({ from, field }: Road): boolean {
  return from.public || field.public
}

/** The types of which a caller without a token can get an object. */
function reachableByAnybody(schema: GuardedSchema): ReadonlySet<string> {
  const reached = new Set<string>()
  const reach = (name: string): void => {
    const type = schema.types.get(name)
    if (type === undefined || reached.has(name)) return
    reached.add(name)
    schema.possibleTypes(name).forEach(reach)
    for (const field of type.fields.values()) {
      if (schema.fieldRequirement(name, field.name).length === 0) reach(field.namedType)
    }
  }
  for (const operation of Object.values(OperationTypeNode)) {
    reach(schema.rootType(operation) ?? '')
  }
  return reached
}
