/** CollectFields (GraphQL, section 6.3.2), done once for an operation instead of once per object. */
import { getNamedType, isAbstractType, isInterfaceType, Kind } from 'graphql'
import type {
  DirectiveNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLCompositeType,
  GraphQLSchema,
  SelectionSetNode,
} from 'graphql'

export interface Selection {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  /** The values of the variables in `@skip` and `@include`. */
  readonly isTrue: (variable: string) => boolean
}

/**
 * Returns the fields of the sets for an object of the type: by response name, in order. Without a type,
 * those for any object.
 */
export function collectFields(
  { schema, fragments, isTrue }: Selection,
  type: GraphQLCompositeType | undefined,
  sets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>()
  const visited = new Set<string>()
  for (const set of sets) collect(set)
  return fields

  function collect(set: SelectionSetNode): void {
    for (const selection of set.selections) {
      if (!isIncluded(selection.directives, isTrue)) continue
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value
        const others = fields.get(key)
        if (others) others.push(selection)
        else fields.set(key, [selection])
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (applies(selection.typeCondition?.name.value)) collect(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment && applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet)
      }
    }
  }

  function applies(condition: string | undefined): boolean {
    if (condition === undefined || !type || condition === type.name) return true
    const abstract = schema.getType(condition)
    if (!abstract || !isAbstractType(abstract)) return false
    return isAbstractType(type) && !isInterfaceType(type) ? false : schema.isSubType(abstract, type)
  }
}

/** Returns the names of all variables that decide about fields of the operation. */
export function conditionVariables(
  set: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): string[] {
  const names = new Set<string>()
  const visited = new Set<string>()
  visit(set)
  return [...names]

  function visit({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      for (const directive of selection.directives ?? []) {
        const value = conditionOf(directive)
        if (value?.kind === Kind.VARIABLE) names.add(value.name.value)
      }
      if (selection.kind !== Kind.FRAGMENT_SPREAD) {
        if (selection.selectionSet) visit(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment) visit(fragment.selectionSet)
      }
    }
  }
}

function isIncluded(
  directives: readonly DirectiveNode[] | undefined,
  isTrue: (variable: string) => boolean,
): boolean {
  return (directives ?? []).every((directive) => {
    const value = conditionOf(directive)
    if (!value) return true
    const condition = value.kind === Kind.VARIABLE ? isTrue(value.name.value) : literal(value)
    return condition === (directive.name.value === 'include')
  })
}

function conditionOf(directive: DirectiveNode) {
  if (directive.name.value !== 'skip' && directive.name.value !== 'include') return undefined
  return directive.arguments?.find(({ name }) => name.value === 'if')?.value
}

function literal(value: { kind: string }): boolean {
  return value.kind === Kind.BOOLEAN && (value as unknown as { value: boolean }).value
}

/** Whether no object of the type can exist. */
export function hasNoObjects(schema: GraphQLSchema, type: GraphQLCompositeType): boolean {
  const named = getNamedType(type)
  return isAbstractType(named) && schema.getPossibleTypes(named).length === 0
}
