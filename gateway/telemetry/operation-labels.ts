/** The labels of operations in the metrics: a bounded set, although clients choose the names. */
import type { OperationTypeNode } from 'graphql'
import { remembered } from '../values/remembered.ts'
import type { RequestFacts } from './request-facts.ts'

/** How many named operations have a label of their own. */
const mostOperations = 200

/** How many of these may get it by a request of an anonymous caller: such a caller can be anybody. */
const mostOfAnonymous = 50

/** Longer names have no label of their own; in characters. */
const longestName = 100

export interface OperationLabel {
  /** Its name, `anonymous`, `other`, or `unknown` for a request without a valid operation. */
  readonly operation: string
  readonly type: string
}

/** A named operation that wants a label of its own. */
export interface OperationSeen {
  /** Its type and its name. */
  readonly operation: string
  readonly isAnonymous: boolean
}

/**
 * Adds the operation to those that have a label of their own, while there is room; returns all of them.
 * With several processes, one of them knows.
 */
export type AddOperation = (seen: OperationSeen) => readonly string[] | Promise<readonly string[]>

/** Returns the function that adds operations, for all processes of the gateway. */
export function labelledOperations(): (seen: OperationSeen) => readonly string[] {
  const all = new Set<string>()
  let ofAnonymous = 0

  return ({ operation, isAnonymous }) => {
    const isFull = all.size >= mostOperations || (isAnonymous && ofAnonymous >= mostOfAnonymous)
    if (!isFull && !all.has(operation)) {
      all.add(operation)
      if (isAnonymous) ofAnonymous++
    }
    return [...all]
  }
}

/** Returns the label of a request's operation; the same label is always the same object. */
export type LabelOfOperation = (facts: RequestFacts) => OperationLabel | Promise<OperationLabel>

/** Returns the function that finds the labels in one process. */
export function operationLabels(add: AddOperation): LabelOfOperation {
  const unknown: OperationLabel = { operation: 'unknown', type: 'unknown' }
  const types = {
    query: labelsOfType('query'),
    mutation: labelsOfType('mutation'),
    subscription: labelsOfType('subscription'),
  }
  /** Whether there is no room left: the operations with a label are all known by then. */
  const isFull = { anonymous: false, authenticated: false }

  return ({ operation: prepared, caller }) => {
    if (!prepared) return unknown
    const { operation: type, name } = prepared.operation
    const { named, anonymous, other } = types[type]
    if (!name) return anonymous
    const known = named.get(name.value)
    if (known) return known
    const kind = caller?.claims ? 'authenticated' : 'anonymous'
    if (isFull[kind] || name.value.length > longestName) return other
    const all = add({ operation: `${type} ${name.value}`, isAnonymous: kind === 'anonymous' })
    const labelled = (all: readonly string[]) => {
      learn(all)
      const label = named.get(name.value)
      if (!label) isFull[kind] = true
      return label ?? other
    }
    return Array.isArray(all) ? labelled(all) : Promise.resolve(all).then(labelled, () => other)
  }

  function learn(operations: readonly string[]): void {
    for (const operation of operations) {
      const [type, name] = operation.split(' ') as [OperationTypeNode, string]
      remembered(types[type].named, name, () => ({ operation: name, type }))
    }
  }
}

/** Operations with such a name are `other`: their own label would be that of other requests. */
const reservedNames = ['anonymous', 'other', 'unknown']

function labelsOfType(type: string) {
  const other: OperationLabel = { operation: 'other', type }
  return {
    named: new Map(reservedNames.map((name) => [name, other])),
    anonymous: { operation: 'anonymous', type },
    other,
  }
}
