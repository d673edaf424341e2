/** Requests to a subgraph that are compared with each other. */
import { Kind, parse, print } from 'graphql'
import type { SelectionNode, SelectionSetNode } from 'graphql'
import { isObject } from '../values/json.ts'

/**
 * Returns whether a response to one request has everything that a response to another one would have. A
 * document with fragment definitions never counts as contained: the planner writes none.
 *
 * @param body the JSON text of a GraphQL request
 */
export function isContained(body: string, inBody: string): boolean {
  const [part, all] = [readRequest(body), readRequest(inBody)]
  const haveSameValues = Object.entries(part.variables).every(
    ([name, value]) => JSON.stringify(value) === JSON.stringify(all.variables[name]),
  )
  return haveSameValues && isPart(part.selections, all.selections)
}

function readRequest(body: string) {
  const { query, variables } = JSON.parse(body) as { query: string; variables?: unknown }
  const [operation] = parse(query, { noLocation: true }).definitions
  const selections = operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet : none
  return { selections, variables: isObject(variables) ? variables : {} }
}

const none: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] }

function isPart({ selections }: SelectionSetNode, all: SelectionSetNode): boolean {
  return selections.every((selection) =>
    all.selections.some(
      (candidate) =>
        headOf(selection) === headOf(candidate) && isPart(partsOf(selection), partsOf(candidate)),
    ),
  )
}

function partsOf(selection: SelectionNode): SelectionSetNode {
  return selection.kind === Kind.FRAGMENT_SPREAD ? none : (selection.selectionSet ?? none)
}

/** Returns what a selection is without what is selected in it: alias, name, arguments, type and conditions. */
function headOf(selection: SelectionNode): string {
  return selection.kind === Kind.FRAGMENT_SPREAD
    ? print(selection)
    : print({ ...selection, selectionSet: none })
}
