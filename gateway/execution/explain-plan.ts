/** A compiled plan as people and programs read it: the page and `npm run explain` show the same. */
import type { QueryPlanSelectionNode } from '@apollo/query-planner'
import { remembered } from '../values/remembered.ts'
import type { CompiledOperation } from './compile-operation.ts'
import type { FetchStep, Step } from './plan-steps.ts'

/** A step of a plan. */
export type ExplainedStep = ExplainedFetch | ExplainedSteps | ExplainedCondition

/** A request to a subgraph. */
export interface ExplainedFetch {
  readonly kind: 'Fetch'
  readonly subgraph: string
  readonly operationKind: FetchStep['operationKind']
  /** The place of the objects to which it adds fields, in response names; `@` is each element of a list. */
  readonly path: readonly string[]
  /** What identifies the entities for the subgraph, and what it requires of them; of root fields, nothing. */
  readonly representations: readonly ExplainedRepresentation[]
  /** The text of the operation. */
  readonly operation: string
  /** The variables of the client that it has. */
  readonly variables: readonly string[]
  /** Whether it leaves in one request with its siblings to the same subgraph. */
  readonly isBatched: boolean
}

/** The representation of an entity. */
export interface ExplainedRepresentation {
  readonly type: string
  /** A field set: `id size { width }`. */
  readonly fields: string
}

/** Steps one after the other, or at the same time. */
export interface ExplainedSteps {
  readonly kind: 'Sequence' | 'Parallel'
  readonly steps: readonly ExplainedStep[]
}

/** A step for each value of a Boolean variable, by `@include` and `@skip`. */
export interface ExplainedCondition {
  readonly kind: 'Condition'
  readonly variable: string
  /** Executed if it is true; null: nothing is. */
  readonly then: ExplainedStep | null
  /** Executed if it is not; null: nothing is. */
  readonly otherwise: ExplainedStep | null
}

/** Returns the steps of an operation; null where nothing is fetched. */
export function explainPlan({ plan, schema }: CompiledOperation): ExplainedStep | null {
  return plan.root ? explained(plan.root, false) : null

  function explained(step: Step, isBatched: boolean): ExplainedStep {
    switch (step.kind) {
      case 'fetch':
        return explainedFetch(step, isBatched)
      case 'sequence':
        return combined(
          'Sequence',
          step.steps.map((one) => explained(one, false)),
        )
      case 'parallel': {
        const leavesTogether = batchesOf(step.steps)
        return combined(
          'Parallel',
          step.steps.map((one) => explained(one, leavesTogether(one))),
        )
      }
      case 'condition': {
        const { variable, then, otherwise } = step
        return {
          kind: 'Condition',
          variable,
          then: then ? explained(then, false) : null,
          otherwise: otherwise ? explained(otherwise, false) : null,
        }
      }
    }
  }

  function explainedFetch(step: FetchStep, isBatched: boolean): ExplainedFetch {
    const { subgraph, operationKind, path, requires = [], operation, variables } = step
    return {
      kind: 'Fetch',
      subgraph,
      operationKind,
      path: path.map((key) => (key === '@' ? key : schema.clientName(key))),
      representations: representationsOf(requires),
      operation,
      variables,
      isBatched,
    }
  }
}

/**
 * Returns the steps as one. A plan can have a sequence of one step, one within another, and several steps one after
 * the other under the same condition.
 */
function combined(kind: ExplainedSteps['kind'], given: readonly ExplainedStep[]): ExplainedStep {
  const steps: ExplainedStep[] = []
  for (const step of given.flatMap((one) => (one.kind === kind ? one.steps : [one]))) {
    const before = steps.at(-1)
    const isSame =
      step.kind === 'Condition' && before?.kind === 'Condition' && step.variable === before.variable
    if (!isSame) steps.push(step)
    else steps.splice(-1, 1, underOneCondition(kind, before, step))
  }
  const [first, ...more] = steps
  return first && more.length === 0 ? first : { kind, steps }
}

function underOneCondition(
  kind: ExplainedSteps['kind'],
  { variable, ...before }: ExplainedCondition,
  after: ExplainedCondition,
): ExplainedCondition {
  const both = (one: ExplainedStep | null, other: ExplainedStep | null) =>
    one && other ? combined(kind, [one, other]) : (one ?? other)
  return {
    kind: 'Condition',
    variable,
    then: both(before.then, after.then),
    otherwise: both(before.otherwise, after.otherwise),
  }
}

/** Returns the requests of a step, in their order. */
export function fetchesOf(step: ExplainedStep | null): readonly ExplainedFetch[] {
  if (!step) return []
  if (step.kind === 'Fetch') return [step]
  if (step.kind === 'Condition') return [step.then, step.otherwise].flatMap(fetchesOf)
  return step.steps.flatMap(fetchesOf)
}

/** Returns whether one of these steps leaves in one request with another of them. */
function batchesOf(steps: readonly Step[]): (step: Step) => boolean {
  const targets = steps.flatMap((step) =>
    step.kind === 'fetch' && step.mayBatch ? [step.subgraph] : [],
  )
  return (step) =>
    step.kind === 'fetch' &&
    step.mayBatch &&
    targets.filter((subgraph) => subgraph === step.subgraph).length > 1
}

function representationsOf(requires: readonly QueryPlanSelectionNode[]): ExplainedRepresentation[] {
  const types = new Map<string, QueryPlanSelectionNode[]>()
  for (const node of requires) {
    if (node.kind !== 'InlineFragment') continue
    remembered(types, node.typeCondition ?? '', () => []).push(...node.selections)
  }
  return [...types].map(([type, nodes]) => ({ type, fields: fieldSet(nodes, true) }))
}

/** Every representation has a `__typename`: it is left out. */
function fieldSet(nodes: readonly QueryPlanSelectionNode[], isOutermost: boolean): string {
  const texts = nodes.map((node) => {
    if (node.kind === 'Field' && isOutermost && node.name === '__typename') return ''
    const below = node.selections?.length ? ` { ${fieldSet(node.selections, false)} }` : ''
    if (node.kind === 'Field') return `${node.name}${below}`
    return `...${node.typeCondition ? ` on ${node.typeCondition}` : ''}${below}`
  })
  return [...new Set(texts)].filter((text) => text !== '').join(' ')
}
