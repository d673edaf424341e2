/**
 * The fault: once its object comes from a field of the same fetch, the planner forgets the conditions around a field
 * that requires something of another subgraph, and around a fragment for which it has to learn the type of an interface
 * object. What is selected is then fetched where it is skipped, too; and a field beside it in that fetch, which is not
 * skipped, is lost with the inputs that only the skipped one needs.
 *
 * It keeps the conditions of the field and of the fragment themselves. There is room for one `@skip` and one
 * `@include`: the innermost.
 */
import { isObjectType, Kind, visit } from 'graphql'
import type {
  DirectiveNode,
  DocumentNode,
  FieldNode,
  InlineFragmentNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { conditionOf } from '../graphql/conditions.ts'
import { remembered } from '../values/remembered.ts'
import type { PassRules } from './passes.ts'

/** The innermost condition of each kind around a selection. */
type Around = ReadonlyMap<'skip' | 'include', DirectiveNode>

/** Returns the operation in which such fields have the conditions that are around them. */
export function repeatConditions(
  operation: OperationDefinitionNode,
  { entities, schema, interfaceObjects }: PassRules,
): OperationDefinitionNode {
  return { ...operation, selectionSet: repeatInSet(operation.selectionSet, new Map()) }

  function repeatInSet(set: SelectionSetNode, around: Around): SelectionSetNode {
    return { ...set, selections: set.selections.map((one) => repeat(one, around)) }
  }

  function repeat(selection: SelectionNode, around: Around): SelectionNode {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return selection
    const { directives = [], selectionSet } = selection
    const conditions = new Map([...around, ...conditionsIn(directives)])
    const repeated = isForgetful(selection)
      ? { ...selection, directives: [...directives.filter(isOther), ...conditions.values()] }
      : selection
    return selectionSet
      ? { ...repeated, selectionSet: repeatInSet(selectionSet, conditions) }
      : repeated
  }

  function isForgetful(selection: FieldNode | InlineFragmentNode): boolean {
    if (selection.kind === Kind.FIELD) return entities.requireInputs.has(selection.name.value)
    const type = schema.getType(selection.typeCondition?.name.value ?? '')
    return isObjectType(type) && type.getInterfaces().some(({ name }) => interfaceObjects.has(name))
  }
}

const forgetful = new WeakMap<DocumentNode, boolean>()

/** Returns whether there may be more conditions of one kind around a field than it has room for. */
export function mayForgetConditions(document: DocumentNode): boolean {
  return remembered(forgetful, document, () => {
    const conditions = new Set<string>()
    const kinds = new Set<string>()
    visit(document, {
      Directive(directive) {
        const condition = conditionOf(directive)
        if (typeof condition?.if !== 'string') return
        conditions.add(`${condition.kind} ${condition.if}`)
        kinds.add(condition.kind)
      },
    })
    return conditions.size > kinds.size
  })
}

function conditionsIn(directives: readonly DirectiveNode[]): Around {
  return new Map(
    directives.flatMap((directive) => {
      const condition = conditionOf(directive)
      return condition ? [[condition.kind, directive]] : []
    }),
  )
}

function isOther(directive: DirectiveNode): boolean {
  return conditionOf(directive) === undefined
}
