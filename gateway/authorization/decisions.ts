/** The decision about an operation for each combination of satisfied and failed guards, computed once. */
import { Kind, OperationTypeNode, print, visit } from 'graphql'
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { AuthorizationOptions } from './authorization-options.ts'
import { failingGuards, meetsAll } from './satisfied-requirements.ts'
import type { Mask } from './satisfied-requirements.ts'
import type { GuardedOperation, GuardedSelections } from './guarded-operation.ts'
import { conditionValues, takesPart } from './conditions.ts'
import type { ConditionValues, Variables } from './conditions.ts'
import { deniedPaths } from './denied-paths.ts'
import type { DeniedPath } from './denied-paths.ts'
import { filterOperation } from './filter-operation.ts'
import { guardedShape } from './guarded-shape.ts'
import type { SharedShape } from '../graphql/response-shape.ts'
import { remembered } from '../values/remembered.ts'
import type { Requirement } from './guarded-schema.ts'

interface PlannedDocument {
  /** The document to plan; never the client's document if anything of it is denied. */
  readonly document: DocumentNode
  /**
   * Returns the text of the document. It is equal for two callers exactly if they have the same
   * permissions for the operation: plans are cached by it.
   */
  readonly text: () => string
}

interface Authorized {
  readonly compiled: GuardedOperation
  /** The denied paths that take part; none of a reduced operation, whose response says where they are. */
  readonly denied: readonly DeniedPath[]
  /** The referenced guards that the caller does not satisfy. */
  readonly failing: ReadonlySet<number>
}

/** To be planned and executed. */
export interface ExecutableOperation extends Authorized, PlannedDocument {
  readonly outcome: 'whole' | 'reduced'
  /** Additions to the response of the document: denied fields and introspection. */
  readonly shape: SharedShape | undefined
}

/** Nothing of it is executed. */
export interface RefusedOperation extends Authorized {
  readonly outcome: 'nothing left' | 'refused'
}

export type AuthorizedOperation = ExecutableOperation | RefusedOperation

/** Returns the decision; the same object for the same combination. */
export type Decide = (mask: Mask, variables: Variables) => AuthorizedOperation

/** How many values of the variables in @skip and @include are remembered for a combination. */
const variantsKept = 16

const noGuards: ReadonlySet<number> = new Set()

/** How many denied paths are remembered for a combination: a decision with more is made again. */
const pathsKept = 32

/** The most fields in all combinations of one operation: what clients send must not fill the memory. */
const fieldsKept = 4_000

/** Returns the function that decides about one operation. */
export function decisionsOn(compiled: GuardedOperation, options: AuthorizationOptions): Decide {
  const { mode } = options
  const whole = wholeOperation(compiled)
  const max = mostCombinations(compiled, options.combinations)
  const documents = new LRUCache<string, PlannedDocument>({ max })
  const combinations = new LRUCache<Mask, (variables: Variables) => AuthorizedOperation>({ max })

  return (mask, variables) => {
    if (meetsAll(mask) && !compiled.introspects) return whole
    return remembered(combinations, mask, combination)(variables)
  }

  /** There is one decision for each of the values of the conditions. */
  function combination(mask: Mask): (variables: Variables) => AuthorizedOperation {
    const failing = failingGuards(mask, compiled.referencedGuards)
    const denies = (requirement: Requirement) => requirement.some((guard) => failing.has(guard))
    const isWhole = mode === 'dry_run' || failing.size === 0
    const executable = isWhole ? whole : reducedOperation(denies)
    const decide = (values: ConditionValues): AuthorizedOperation => {
      const denied = deniedPaths(compiled, denies, values)
      const refusal = refusalFor(denied, denies, values)
      if (refusal) return { compiled, denied, failing, outcome: refusal }
      const paths = isWhole ? denied : []
      return { ...executable, compiled, denied: paths, failing, shape: shapeFor(values) }
    }
    const shapeFor = (values: ConditionValues) => {
      if (isWhole && !compiled.introspects) return undefined
      return remembered(shapes, conditionKey(compiled, values), () =>
        guardedShape(compiled, isWhole ? noGuards : failing, values),
      )
    }
    // Kept apart: a writer is made for each shape, even where the decision has too many denied paths.
    const shapes = new LRUCache<string, SharedShape>({ max: variantsKept })
    const variants = new LRUCache<string, AuthorizedOperation>({
      max: variantsKept,
      maxSize: pathsKept,
      sizeCalculation: ({ denied }) => denied.length + 1,
    })
    return (variables) => {
      const values = conditionValues(compiled, variables)
      return remembered(variants, conditionKey(compiled, values), () => decide(values))
    }
  }

  function refusalFor(
    denied: readonly DeniedPath[],
    denies: (requirement: Requirement) => boolean,
    values: ConditionValues,
  ): RefusedOperation['outcome'] | undefined {
    if (mode === 'dry_run' || denied.length === 0) return undefined
    if (!hasRoot('allowed', denies, values)) return 'nothing left'
    if (mode === 'reject') return 'refused'
    const allOrNothing =
      compiled.operation.operation === OperationTypeNode.MUTATION &&
      options.mutations === 'all_or_nothing'
    return allOrNothing && hasRoot('denied', denies, values) ? 'refused' : undefined
  }

  /** Whether a root field that takes part is denied, as such or with the fragment around it; or allowed. */
  function hasRoot(
    decision: 'allowed' | 'denied',
    denies: (requirement: Requirement) => boolean,
    values: ConditionValues,
  ): boolean {
    const visited = new Set<GuardedSelections>()
    return hasAny(compiled.selections)

    function hasAny(set: GuardedSelections): boolean {
      if (visited.has(set)) return false
      visited.add(set)
      return set.selections.some((selection) => {
        if (!takesPart(selection.conditions, values)) return false
        if (denies(selection.requirement)) return decision === 'denied'
        return selection.kind === 'field' ? decision === 'allowed' : hasAny(selection.selections)
      })
    }
  }

  /** Combinations that leave the same text share its document, and so its plan. */
  function reducedOperation(denies: (requirement: Requirement) => boolean) {
    const document = filterOperation(compiled, denies)
    const text = print(document)
    const planned = remembered(documents, text, () => ({ document, text: () => text }))
    return { outcome: 'reduced', ...planned } as const
  }
}

/** A large operation keeps fewer combinations. */
function mostCombinations({ document }: GuardedOperation, most: number): number {
  let fields = 1
  visit(document, { Field: () => void fields++ })
  return Math.min(most, Math.max(2, Math.floor(fieldsKept / fields)))
}

/** The complete operation, except introspection. */
function wholeOperation(compiled: GuardedOperation) {
  const document = mustBeTrimmed(compiled)
    ? filterOperation(compiled, () => false)
    : compiled.document
  let text: string | undefined
  return {
    outcome: 'whole',
    compiled,
    denied: [],
    failing: new Set<number>(),
    document,
    text: () => (text ??= print(document)),
    shape: undefined,
  } as const
}

/** An operation that introspects, or whose document has others: those may introspect in their fragments. */
function mustBeTrimmed({ document, introspects }: GuardedOperation): boolean {
  if (introspects) return true
  const kinds = document.definitions.map(({ kind }) => kind)
  return kinds.filter((kind) => kind === Kind.OPERATION_DEFINITION).length > 1
}

function conditionKey(compiled: GuardedOperation, values: ConditionValues): string {
  return [...compiled.conditionVariables.keys()]
    .map((name) => (values(name) === true ? '1' : values(name) === false ? '0' : '?'))
    .join('')
}
