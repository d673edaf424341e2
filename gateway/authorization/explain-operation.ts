/** Explains every field of an operation: its requirements, their declarations, and whether a caller gets it. */
import type { Authorizer } from './authorizer.ts'
import type { Caller } from '../client-request.ts'
import type { GuardedOperation, GuardedSelections } from './guarded-operation.ts'
import type { Declaration, FindDeclarations } from './declarations.ts'
import { isMet, printGuard } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'
import type { Reason } from './guarded-schema.ts'
import type { GuardedElement, GuardedType, InheritedGuard } from './guarded-type.ts'
import type { Requires } from './guards/guard-directive.ts'
import { loginFor, whatIsMissing } from './what-is-missing.ts'

/** One field of the operation, explained. */
export interface ExplainedField {
  /** In response keys, without positions in lists; fragments on types as `... on Type`. */
  readonly path: readonly string[]
  readonly coordinate: string
  /** `not reached` for selections inside a denied field. */
  readonly decision: 'allowed' | 'denied' | 'not reached'
  readonly requirements: readonly ExplainedRequirement[]
  /** What the caller lacks for a denied field, as `extensions.requires` of its error says it. */
  readonly missing?: Requires
}

/** One guard that counts for a field. */
export interface ExplainedRequirement {
  /** As a schema has it: `@requiresScopes(scopes: [["profile:email"]])`. */
  readonly directive: string
  readonly met: boolean
  readonly because: Reason['because'] | 'the fragment around it'
  /** The type or field that has the directive. */
  readonly at: string
  readonly declaredIn: readonly Declaration[]
}

/** A guard, and what is said of it. */
interface Demand {
  readonly guard: Guard
  readonly requirement: ExplainedRequirement
}

/** The caller that an operation is explained for. */
export interface Explained {
  readonly caller: Caller
  readonly granted?: ReadonlySet<string>
  /** Default: from the supergraph itself, else the subgraphs that have the type or field. */
  readonly find?: FindDeclarations | undefined
}

/** The most fields that are explained, and the most selections looked at to find them. */
const mostFields = 1000
const mostSteps = 10_000

/** Returns the explanation, in the document's order; nothing is executed for it. */
export function explainOperation(
  { schema, options, credentials, declarations = possibleDeclarations }: Authorizer,
  compiled: GuardedOperation,
  { caller, granted, find = declarations }: Explained,
): ExplainedField[] {
  const had = credentials(caller, granted)
  const fields: ExplainedField[] = []
  const missing = (unmet: readonly Guard[]) =>
    whatIsMissing(unmet, had, loginFor(unmet, had, options.stepUp))
  let steps = 0
  explainSet(compiled.selections, [], [], true)
  return fields

  function explainSet(
    { selections }: GuardedSelections,
    path: readonly string[],
    around: readonly Demand[],
    reached: boolean,
  ): void {
    for (const selection of selections) {
      if (fields.length >= mostFields || ++steps > mostSteps) return
      if (selection.kind === 'fragment') {
        const { typeCondition } = selection
        const type = typeCondition === undefined ? undefined : schema.types.get(typeCondition)
        const own = demandedBy(type).map((demand) =>
          explained({ ...demand, because: 'the fragment around it' }),
        )
        const step = typeCondition === undefined ? [] : [`... on ${typeCondition}`]
        explainSet(selection.selections, [...path, ...step], [...around, ...own], reached)
        continue
      }
      const { parentType, name, responseKey } = selection
      if (name.startsWith('__')) continue
      const reasons = schema.reasons(parentType, name).map(explained)
      const demands = distinct([...around, ...reasons])
      const unmet = demands.filter(({ requirement }) => !requirement.met)
      const allowed = unmet.length === 0
      fields.push({
        path: [...path, responseKey],
        coordinate: `${parentType}.${name}`,
        decision: !reached ? 'not reached' : allowed ? 'allowed' : 'denied',
        requirements: demands.map(({ requirement }) => requirement),
        ...(allowed ? {} : { missing: missing(unmet.map(({ guard }) => guard)) }),
      })
      const { selections: below } = selection
      if (below) explainSet(below, [...path, responseKey], [], reached && allowed)
    }
  }

  function explained(reason: {
    guard: Reason['guard']
    because: ExplainedRequirement['because']
    at: GuardedElement
  }): Demand {
    const { guard, because, at } = reason
    const requirement = {
      directive: printGuard(guard),
      met: isMet(guard, had),
      because,
      at: at.coordinate,
      declaredIn: because === 'the default' ? [] : find(at, guard.kind),
    }
    return { guard, requirement }
  }
}

/** The own and the inherited requirements of a type. */
function demandedBy(type: GuardedType | undefined): InheritedGuard[] {
  if (!type) return []
  return [...type.guards.map((guard) => ({ guard, at: type })), ...type.inherited]
}

/** Without schema files, the subgraphs that have the type or field: one of them declared it. */
function possibleDeclarations({ subgraphs }: GuardedElement): Declaration[] {
  return subgraphs.map((subgraph) => ({ subgraph }))
}

function distinct(demands: readonly Demand[]): Demand[] {
  const textOf = ({ requirement: { directive, at } }: Demand) => `${directive} ${at}`
  return [...new Map(demands.map((each) => [textOf(each), each])).values()]
}
