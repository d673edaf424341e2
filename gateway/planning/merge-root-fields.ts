/**
 * The fault: selections of a mutation that have one response name are one field, whatever conditions
 * they have; the planner takes them for several fields, and the mutation is executed several times.
 */
import { Kind, OperationTypeNode, print } from 'graphql'
import type {
  DirectiveNode,
  FieldNode,
  InlineFragmentNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { conditionOf } from '../graphql/conditions.ts'
import { selectionsWhere } from './known-conditions.ts'

interface RootField {
  readonly field: FieldNode
  /** The directives of each fragment around it, outermost first, and its own. */
  readonly directives: readonly (readonly DirectiveNode[])[]
}

/** How many variables may decide the order of mutations: there is a case for each of their values. */
const mostVariables = 4

/**
 * Returns the operation in which each root field of a mutation is selected once. Where variables decide
 * which of the selections comes first, and so the order of the mutations (GraphQL, section 6.2.2), there
 * is a fragment for each case.
 */
export function mergeRootFields(operation: OperationDefinitionNode): OperationDefinitionNode {
  if (operation.operation !== OperationTypeNode.MUTATION) return operation
  const repeated = repeatedFields(operation.selectionSet)
  if (repeated.length === 0) return operation
  const variables = [...new Set(repeated.flatMap(variablesOf))]
  const selectionSet =
    variables.length > mostVariables
      ? merged(operation.selectionSet)
      : inEachCase(operation.selectionSet, variables)
  return { ...operation, selectionSet }
}

function inEachCase(
  set: SelectionSetNode,
  [variable, ...others]: readonly string[],
): SelectionSetNode {
  if (variable === undefined) return merged(set)
  const selections = (['include', 'skip'] as const).map((kind): InlineFragmentNode => {
    const inCase = selectionsWhere(set, variable, kind === 'include')
    return {
      kind: Kind.INLINE_FRAGMENT,
      directives: [conditionOn(kind, variable)],
      selectionSet: inEachCase(inCase, others),
    }
  })
  return { ...set, selections }
}

function conditionOn(kind: 'include' | 'skip', variable: string): DirectiveNode {
  const name = (value: string) => ({ kind: Kind.NAME, value }) as const
  const value = { kind: Kind.VARIABLE, name: name(variable) } as const
  const condition = { kind: Kind.ARGUMENT, name: name('if'), value } as const
  return { kind: Kind.DIRECTIVE, name: name(kind), arguments: [condition] }
}

function merged(set: SelectionSetNode): SelectionSetNode {
  return {
    ...set,
    selections: byResponseName(set).flatMap((fields) =>
      fields.some(({ directives }) => directives.length === 0)
        ? [unconditional(fields)]
        : fields.map(({ field, directives }) => under(directives, field)),
    ),
  }
}

/** Returns the fields that are selected under different conditions. */
function repeatedFields(set: SelectionSetNode): RootField[] {
  const conditionsOf = ({ directives }: RootField) => directives.flat().map(print).join()
  return byResponseName(set).flatMap((fields) =>
    new Set(fields.map(conditionsOf)).size > 1 ? fields : [],
  )
}

function variablesOf({ directives }: RootField): string[] {
  return directives.flat().flatMap((directive) => {
    const condition = conditionOf(directive)?.if
    return typeof condition === 'string' ? [condition] : []
  })
}

function byResponseName(set: SelectionSetNode): RootField[][] {
  const byKey = new Map<string, RootField[]>()
  for (const root of rootFields(set, [])) {
    const key = (root.field.alias ?? root.field.name).value
    byKey.set(key, [...(byKey.get(key) ?? []), root])
  }
  return [...byKey.values()]
}

function rootFields(set: SelectionSetNode, above: RootField['directives']): RootField[] {
  return set.selections.flatMap((selection): RootField[] => {
    const own = selection.directives ?? []
    const directives = own.length > 0 ? [...above, own] : above
    if (selection.kind === Kind.FIELD) return [{ field: selection, directives }]
    return selection.kind === Kind.INLINE_FRAGMENT
      ? rootFields(selection.selectionSet, directives)
      : []
  })
}

/** Returns the field without a condition: the conditions move to what is selected inside. */
function unconditional(fields: readonly RootField[]): FieldNode {
  const { directives: _, selectionSet, ...field } = fields[0]!.field
  if (!selectionSet) return field
  const selections = fields.flatMap((one): readonly SelectionNode[] => {
    const inner = one.field.selectionSet!
    if (one.directives.length === 0) return inner.selections
    return [under(one.directives, { kind: Kind.INLINE_FRAGMENT, selectionSet: inner })]
  })
  return { ...field, selectionSet: { ...selectionSet, selections } }
}

/** Returns the selection in a fragment for each level: a selection must not repeat a directive. */
function under(
  directives: RootField['directives'],
  selection: FieldNode | InlineFragmentNode,
): FieldNode | InlineFragmentNode {
  const innermost = { ...selection, directives: directives.at(-1) ?? [] }
  return directives.slice(0, -1).reduceRight<FieldNode | InlineFragmentNode>(
    (inner, level) => ({
      kind: Kind.INLINE_FRAGMENT,
      directives: level,
      selectionSet: { kind: Kind.SELECTION_SET, selections: [inner] },
    }),
    innermost,
  )
}
