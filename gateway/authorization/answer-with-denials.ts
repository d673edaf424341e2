/** The answer in the client's shape: what was denied is null, and said to be. */
import { Kind } from 'graphql'
import type { FieldNode, TypeNode } from 'graphql'
import type { Authorizer } from './authorizer.ts'
import type { Caller } from './satisfied-requirements.ts'
import { isIntrospection } from '../graphql/introspection-fields.ts'
import type { GuardedField, GuardedSelections } from './guarded-operation.ts'
import { conditionValues, takesPart } from './conditions.ts'
import type { Variables } from './conditions.ts'
import type { AuthorizedOperation, ExecutableOperation } from './decisions.ts'
import { denialsFor, withTokenMissing } from './denial.ts'
import type { Denial, MakeDenial } from './denial.ts'
import type { GuardedSchema, Requirement } from './guarded-schema.ts'

/** A response map; it has no prototype, since a client may call a field `__proto__`. */
export type ResponseData = Record<string, unknown>

export interface Answered {
  /** What the executor made of the authorized document, or null where nothing was executed. */
  readonly data: ResponseData | null
  readonly caller: Caller
  readonly variables: Variables
  readonly granted?: ReadonlySet<string>
  /** Returns the value of a `__schema` or `__type` field, of all its nodes in one selection set. */
  readonly introspect?: (nodes: readonly FieldNode[]) => unknown
}

export interface AnswerWithDenials {
  readonly data: ResponseData | null
  /** One for each denied path. */
  readonly denials: readonly Denial[]
}

/**
 * Returns the data as the client asked for it, and what was left out of it. Where nothing is left for
 * an anonymous caller, the denials say that a token is missing.
 */
export function answerWithDenials(
  authorizer: Authorizer,
  authorized: AuthorizedOperation,
  answered: Answered,
): AnswerWithDenials {
  const { data, denials, unlisted } = withoutDenied(authorizer, authorized, answered)
  const nothingLeft = data === null && !isWhole(authorized)
  const reported = nothingLeft && !answered.caller.claims ? withTokenMissing(denials) : denials
  return { data, denials: abridged(reported, unlisted) }
}

interface Shaped extends AnswerWithDenials {
  /** How many denials are not in the list. */
  readonly unlisted: number
}

function withoutDenied(
  { schema, options, credentials }: Authorizer,
  authorized: AuthorizedOperation,
  answered: Answered,
): Shaped {
  const { caller, granted, data } = answered
  const { introspects } = authorized.compiled
  if (isWhole(authorized) && authorized.denied.length === 0 && !introspects)
    return { data, denials: [], unlisted: 0 }

  const denial = denialsFor({
    guards: schema.guards,
    failing: authorized.failing,
    credentials: credentials(caller, granted),
    showRequirements: options.showRequirements,
    stepUp: options.stepUp,
  })
  const foreseen = () =>
    authorized.denied.map(({ path, nodes, requirement }) => denial(path, nodes, requirement))

  if (!isExecuted(authorized)) return { data: null, denials: foreseen(), unlisted: 0 }
  if (!isWhole(authorized)) {
    return data
      ? shape(schema, authorized, answered, data, denial)
      : { data, denials: [], unlisted: 0 }
  }
  if (!introspects || !data) return { data, denials: foreseen(), unlisted: 0 }
  const nothingDenied = { ...authorized, failing: new Set<number>() }
  const shaped = shape(schema, nothingDenied, answered, data, denial)
  return { data: shaped.data, denials: foreseen(), unlisted: 0 }
}

function isExecuted(authorized: AuthorizedOperation): authorized is ExecutableOperation {
  return authorized.outcome === 'whole' || authorized.outcome === 'reduced'
}

/** Whether nothing is missing of the data because it was denied. */
function isWhole(authorized: AuthorizedOperation): boolean {
  return authorized.outcome === 'whole'
}

/** A selection set, and what failed around it: all of its fields are denied with that. */
interface Scope {
  readonly set: GuardedSelections
  readonly inherited: Requirement
}

interface Occurrence {
  readonly field: GuardedField
  readonly denied: boolean
  readonly requirement: Requirement
}

type Path = readonly (string | number)[]

/** The most denials that are listed: aliases in a long list can make millions of them. */
const mostDenials = 1000

/** A null that a non-null type passes on to what is around it. */
const bubbling = Symbol('bubbling')

function shape(
  schema: GuardedSchema,
  { compiled, failing, reduced }: ExecutableOperation,
  { variables, introspect }: Answered,
  data: ResponseData,
  denial: MakeDenial,
): Shaped {
  const denials: Denial[] = []
  let unlisted = 0
  const values = conditionValues(compiled, variables)
  const denies = (requirement: Requirement) => requirement.some((guard) => failing.has(guard))

  const root = [{ set: compiled.selections, inherited: [] }]
  const shaped = shapeObject(root, compiled.rootType, data, [])
  return { data: shaped === bubbling ? null : shaped, denials, unlisted }

  function shapeObject(
    scopes: readonly Scope[],
    typeName: string,
    object: ResponseData,
    path: Path,
  ): ResponseData | typeof bubbling {
    const shaped: ResponseData = Object.create(null)
    let isNull = false
    for (const [key, occurrences] of collectFields(scopes, typeName)) {
      const value = shapeField(occurrences, typeName, object[key], [...path, key])
      if (value === bubbling) isNull = true
      else shaped[key] = value
    }
    return isNull ? bubbling : shaped
  }

  function shapeField(
    occurrences: readonly Occurrence[],
    typeName: string,
    value: unknown,
    path: Path,
  ): unknown {
    const { field } = occurrences[0]!
    if (field.name === '__typename') return typeName
    const type = schema.types.get(typeName)?.fields.get(field.name)?.type ?? field.type
    if (occurrences.every(({ denied }) => denied)) {
      const nodes = occurrences.map((occurrence) => occurrence.field.node)
      const requirement = occurrences.flatMap((occurrence) => occurrence.requirement)
      if (denials.length < mostDenials) denials.push(denial(path, nodes, requirement))
      else unlisted++
      return type.kind === Kind.NON_NULL_TYPE ? bubbling : null
    }
    if (isIntrospection(field.name)) return introspected(occurrences)
    const scopes = scopesBelow(occurrences)
    const untouched = scopes.every(
      ({ set, inherited }) => inherited.length === 0 && !reduced.has(set),
    )
    return untouched ? (value ?? null) : complete(type, value, scopes, path)
  }

  function introspected(occurrences: readonly Occurrence[]): unknown {
    const allowed = occurrences.filter(({ denied }) => !denied)
    return introspect?.(allowed.map(({ field }) => field.node)) ?? null
  }

  function complete(type: TypeNode, value: unknown, scopes: readonly Scope[], path: Path): unknown {
    if (type.kind === Kind.NON_NULL_TYPE) return completeNullable(type.type, value, scopes, path)
    const completed = completeNullable(type, value, scopes, path)
    return completed === bubbling ? null : completed
  }

  function completeNullable(
    type: TypeNode,
    value: unknown,
    scopes: readonly Scope[],
    path: Path,
  ): unknown {
    if (value === null || value === undefined) return null
    if (Array.isArray(value)) {
      const itemType = type.kind === Kind.LIST_TYPE ? type.type : type
      const items = value.map((item, index) => complete(itemType, item, scopes, [...path, index]))
      return items.includes(bubbling) ? bubbling : items
    }
    const object = value as ResponseData
    const typeName = runtimeType(type, object)
    return typeName === undefined ? null : shapeObject(scopes, typeName, object, path)
  }

  /** The filtered document asks for `__typename` wherever the type is not known from the schema. */
  function runtimeType(type: TypeNode, object: ResponseData): string | undefined {
    const name = namedTypeOf(type)
    if (schema.types.get(name)?.kind === 'object') return name
    return typeof object.__typename === 'string' ? object.__typename : undefined
  }

  /** CollectFields of the GraphQL specification (section 6.3.2), with what was denied. */
  function collectFields(
    scopes: readonly Scope[],
    typeName: string,
  ): ReadonlyMap<string, readonly Occurrence[]> {
    const groups = new Map<string, Occurrence[]>()
    const visited = {
      denied: new Set<GuardedSelections>(),
      allowed: new Set<GuardedSelections>(),
    }
    for (const scope of scopes) collect(scope)
    return groups

    function collect({ set, inherited }: Scope): void {
      for (const selection of set.selections) {
        if (!takesPart(selection.conditions, values)) continue
        const requirement = [...inherited, ...selection.requirement]
        const denied = inherited.length > 0 || denies(selection.requirement)
        if (selection.kind === 'field') {
          const occurrence = { field: selection, denied, requirement }
          const group = groups.get(selection.responseKey)
          if (group) group.push(occurrence)
          else groups.set(selection.responseKey, [occurrence])
          continue
        }
        if (!applies(selection.typeCondition, typeName)) continue
        const seen = denied ? visited.denied : visited.allowed
        if (seen.has(selection.selections)) continue
        seen.add(selection.selections)
        collect({ set: selection.selections, inherited: denied ? requirement : [] })
      }
    }
  }

  function applies(typeCondition: string | undefined, typeName: string): boolean {
    if (typeCondition === undefined || typeCondition === typeName) return true
    return schema.possibleTypes(typeCondition).has(typeName)
  }
}

/** The last one that is listed stands for itself and for those that are not. */
function abridged(denials: readonly Denial[], unlisted: number): readonly Denial[] {
  const last = denials.at(-1)
  if (!last || unlisted === 0) return denials
  const message = `You may not see this field, nor ${unlisted} more`
  return [...denials.slice(0, -1), { ...last, message }]
}

/** Beneath a field that is denied here and allowed there, what only the denied place asks is denied. */
function scopesBelow(occurrences: readonly Occurrence[]): Scope[] {
  return occurrences.flatMap(({ field, denied, requirement }) =>
    field.selections ? [{ set: field.selections, inherited: denied ? requirement : [] }] : [],
  )
}

function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type)
}
