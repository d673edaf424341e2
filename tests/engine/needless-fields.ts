/** Fields that no engine had to ask for. */
import { getOperationAST, Kind } from 'graphql'
import type { SelectionSetNode } from 'graphql'
import {
  conditionsOf,
  conditionValue,
  conditionVariables,
  isIncluded,
} from '../../gateway/graphql/conditions.ts'
import { fragmentsOf } from '../../gateway/graphql/fragments.ts'
import type { EngineAnswer, OperationForEngines } from './two-engines.ts'

/**
 * Returns the names of fields that subgraphs resolved although `@skip` and `@include` leave out every field of that
 * name, whatever the types of the objects are, and although no key and no requirement has it.
 */
export function needlessFields(
  { resolved = new Set() }: EngineAnswer,
  operation: OperationForEngines,
  inputs: ReadonlySet<string>,
): string[] {
  const included = includedNames(operation)
  return [...resolved].filter((name) => !included.has(name) && !inputs.has(name))
}

function includedNames(request: OperationForEngines): Set<string> {
  const { document, operationName, variables = {} } = request
  const names = new Set<string>()
  const operation = getOperationAST(document, operationName)
  if (!operation) return names
  const fragments = fragmentsOf(document)
  const defaults = conditionVariables(operation, fragments)
  const valueOf = (name: string) => conditionValue(name, variables, defaults)
  const visited = new Set<SelectionSetNode>()
  visit(operation.selectionSet)
  return names

  function visit(set: SelectionSetNode | undefined): void {
    if (!set || visited.has(set)) return
    visited.add(set)
    for (const selection of set.selections) {
      if (!isIncluded(conditionsOf(selection), valueOf, 'false')) continue
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        visit(fragments.get(selection.name.value)?.selectionSet)
      } else {
        if (selection.kind === Kind.FIELD) names.add(selection.name.value)
        visit(selection.selectionSet)
      }
    }
  }
}
