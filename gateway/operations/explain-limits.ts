/** How large an operation is, against each of its limits: for its author, before a limit refuses it. */
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import type { LimitName, OperationLimits } from './limit-operation.ts'
import { measureOperation } from './measure-operation.ts'
import { measureVariables } from './measure-variables.ts'
import type { ValidationOptions } from './validate-document.ts'

/** A measure of an operation or of its variables, and its limit. */
export interface ExplainedLimit {
  /** Its name in gateway.yaml. */
  readonly limit: LimitName
  readonly value: number
  /** Null: it is not limited. */
  readonly max: number | null
  /** `measure`: what exceeds it is reported, not refused; null: it is not limited. */
  readonly mode: 'enforce' | 'measure' | null
}

/** Limits, those that protect the gateway itself included. */
export interface LimitsOfOperations extends Pick<
  ValidationOptions['limits'],
  'tokens' | 'depth' | 'selections'
> {
  readonly operation: OperationLimits
}

/**
 * Returns all measures of an operation of a valid document.
 *
 * @param document as its client wrote it
 */
export function explainLimits(
  { operation: { most, measured }, tokens, depth, selections }: LimitsOfOperations,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): ExplainedLimit[] {
  const always: Partial<Record<LimitName, number>> = { tokens, depth, selections }
  const size = {
    ...measureOperation(document, operation),
    // Only what exceeds a limit is measured exactly.
    ...measureVariables(variables, { variables_depth: 0, variables_size: 0 }),
  }
  return (Object.entries(size) as [LimitName, number][]).map(([limit, value]) => {
    const max = most[limit] ?? always[limit] ?? null
    const mode = max === null ? null : measured.has(limit) ? 'measure' : 'enforce'
    return { limit, value, max, mode }
  })
}
