/** What a supergraph means for the known operations: which it breaks, and which require more of callers. */
import { Kind } from 'graphql'
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import type { Authorizer } from '../../gateway/authorization/authorizer.ts'
import { printGuard } from '../../gateway/authorization/guard-directives.ts'
import type { Guard } from '../../gateway/authorization/guard-directives.ts'
import type {
  GuardedOperation,
  GuardedSelections,
} from '../../gateway/authorization/guarded-operation.ts'
import { limitsSchema } from '../../gateway/configuration/limits.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { RequestError } from '../../gateway/graphql/response-error.ts'
import { documentReader } from '../../gateway/operations/validate-document.ts'
import type { Unplaced } from './finding.ts'
import type { ManifestOperation } from './read-manifests.ts'
import { implies } from './removed-guards.ts'

/** A supergraph as the gateway would load it. */
export interface CheckedSupergraph {
  readonly authorizer: Authorizer
  /** The schema that clients see. */
  readonly schema: GraphQLSchema
  /** Returns what an operation costs without variables; left out: costs are not known. */
  readonly costOf?:
    ((document: DocumentNode, operation: OperationDefinitionNode) => number) | undefined
}

/** What the check says of one operation. */
export interface CheckedOperation {
  readonly manifest: string
  readonly id: string
  /** Undefined if it has no name, or is not valid GraphQL. */
  readonly name: string | undefined
  /** `broken`: it was valid for the last supergraph, or there was none; `invalid`: it was not valid for that one either. */
  readonly outcome: 'valid' | 'broken' | 'invalid'
  /** Why it is not valid. */
  readonly errors: readonly string[]
  /** What it requires that it did not require in the last supergraph. */
  readonly requires: readonly NewRequirement[]
  readonly cost?: number | undefined
}

export interface NewRequirement {
  readonly coordinate: string
  /** As a schema has it: `@requiresScopes(scopes: [["profile:email"]])`. */
  readonly directive: string
}

/** Returns what each operation of the documents gets; a document that is not valid is one operation. */
export function checkOperations(
  operations: readonly ManifestOperation[],
  now: CheckedSupergraph,
  last: CheckedSupergraph | undefined,
): CheckedOperation[] {
  const readNow = readerFor(now)
  const readLast = last && readerFor(last)
  return operations.flatMap(({ manifest, id, text }): CheckedOperation[] => {
    const read = readNow(text)
    const before = readLast?.(text)
    if ('errors' in read) {
      const outcome = before && 'errors' in before ? 'invalid' : 'broken'
      const { errors } = read
      return [{ manifest, id, name: nameIn(text), outcome, errors, requires: [] }]
    }
    return definitionsIn(read.document).map((definition) => {
      const name = definition.name?.value
      const requires =
        last && before && 'document' in before
          ? newRequirements(
              guardsIn(now, read.document, name),
              guardsIn(last, before.document, name),
            )
          : []
      const cost = now.costOf?.(read.document, definition)
      return { manifest, id, name, outcome: 'valid', errors: [], requires, cost }
    })
  })
}

/** Returns the findings of a check; what requires more is an error, or a warning where that is intended. */
export function operationFindings(
  operations: readonly CheckedOperation[],
  mayRequireMore: boolean,
): Unplaced[] {
  return operations.flatMap((operation) => {
    const { outcome, errors, requires } = operation
    const named = described(operation)
    if (outcome !== 'valid') {
      const isBroken = outcome === 'broken'
      const finding = {
        severity: isBroken ? ('error' as const) : ('warning' as const),
        code: isBroken ? 'OPERATION_BROKEN' : 'OPERATION_INVALID',
        coordinate: '',
        message: `${named} is not valid: ${errors[0]}`,
      }
      return [finding]
    }
    return requires.map(({ coordinate, directive }) => ({
      severity: mayRequireMore ? ('warning' as const) : ('error' as const),
      code: 'OPERATION_REQUIRES_MORE',
      coordinate,
      message: `${named} now requires ${directive} for ${coordinate}`,
    }))
  })
}

type ReadOutcome = { readonly document: DocumentNode } | { readonly errors: readonly string[] }

/** The limits of a gateway are not known here: the defaults are far above what clients have. */
function readerFor({ schema }: CheckedSupergraph): (text: string) => ReadOutcome {
  const limits = limitsSchema.parse({})
  const reader = documentReader({ apiSchema: schema, limits, introspection: true })
  return (text) => {
    try {
      return { document: reader.validate(reader.parse(text)) }
    } catch (cause) {
      if (cause instanceof RequestError) {
        return { errors: cause.errors.map(({ message }) => message) }
      }
      if (cause instanceof GatewayError) return { errors: [cause.row.message] }
      throw cause
    }
  }
}

function definitionsIn({ definitions }: DocumentNode): OperationDefinitionNode[] {
  return definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
}

/** The guards by the coordinate that they are for. */
type GuardsByCoordinate = ReadonlyMap<string, readonly Guard[]>

function guardsIn(
  { authorizer }: CheckedSupergraph,
  document: DocumentNode,
  name: string | undefined,
): GuardsByCoordinate {
  const compiled: GuardedOperation = authorizer.compile(document, name)
  const found = new Map<string, readonly Guard[]>()
  const visited = new Set<GuardedSelections>()
  visit(compiled.selections)
  return found

  function visit(set: GuardedSelections): void {
    if (visited.has(set)) return
    visited.add(set)
    for (const selection of set.selections) {
      const coordinate =
        selection.kind === 'field'
          ? `${selection.parentType}.${selection.name}`
          : selection.typeCondition
      if (coordinate !== undefined) {
        found.set(
          coordinate,
          selection.requirement.map((guard) => authorizer.schema.guards[guard]!),
        )
      }
      if (selection.selections) visit(selection.selections)
    }
  }
}

/** A guard that follows from one of before, at the same place, is no news for callers. */
function newRequirements(now: GuardsByCoordinate, last: GuardsByCoordinate): NewRequirement[] {
  return [...now].flatMap(([coordinate, guards]) => {
    const before = last.get(coordinate) ?? []
    return guards
      .filter((guard) => !before.some((known) => implies(known, guard)))
      .map((guard) => ({ coordinate, directive: printGuard(guard) }))
  })
}

function nameIn(text: string): string | undefined {
  return /(?:query|mutation|subscription)\s+([A-Za-z_]\w{0,99})/.exec(text)?.[1]
}

/** The beginning of an id is enough for a person. */
const shownOfId = 12

function described({ manifest, id, name }: CheckedOperation): string {
  const shown = id.length > shownOfId + 3 ? `${id.slice(0, shownOfId)}...` : id
  return `the operation ${name === undefined ? '' : `${name} `}(${shown}) of ${manifest}`
}
