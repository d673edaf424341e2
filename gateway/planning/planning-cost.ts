/**
 * Estimates how long planning an operation will take. The estimate itself takes about as long as reading
 * the operation.
 *
 * The planner follows each path to a field separately: where a field leads to other objects, every
 * subgraph that resolves it is one more path to everything below. And where a field can be fetched from
 * several subgraphs at the same price, it compares complete plans.
 */
import { getNamedType, getOperationAST, isCompositeType, Kind } from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLSchema,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { remembered } from '../values/remembered.ts'
import { compositeTypeNamed, fieldOf, withPossibleTypes } from '../graphql/composite-types.ts'
import { fragmentsOf } from '../graphql/fragments.ts'
import type { FieldSources } from './field-sources.ts'

interface Cost {
  /** Steps of the search for paths. */
  readonly search: number
  /** The natural logarithm of the number of plans to compare. */
  readonly choices: number
  readonly selections: number
}

type Sources = readonly string[]

const nothing: Cost = { search: 0, choices: 0, selections: 0 }
/** The planner compares no more plans than this. */
const mostPlans = 10_000
/** Steps for each selection, when a plan is compared with others. */
const comparison = 0.05
/** The most selections that are counted. */
const mostSelections = 50_000

/**
 * Returns the function that estimates the cost of planning, in steps of some 0.1 ms; Infinity for an
 * operation that is too large to estimate.
 */
export function planningCost(
  schema: GraphQLSchema,
  { resolving, entered }: FieldSources,
): (document: DocumentNode, operationName: string | undefined) => number {
  return (document, operationName) => {
    const operation = getOperationAST(document, operationName)
    const root = operation && schema.getRootType(operation.operation)
    if (!operation || !root) return 0
    const fragments = fragmentsOf(document)
    const known = new Map<string, Cost>()
    let seen = 0
    const { search, choices, selections } = costOf(operation.selectionSet, root, [])
    if (seen > mostSelections) return Infinity
    return search + (Math.min(mostPlans, Math.exp(choices)) - 1) * selections * comparison

    /** @param here the subgraphs in which the planner may be at this place */
    function costOf(
      set: SelectionSetNode,
      parent: GraphQLCompositeType,
      here: Sources,
      spread = new Set<string>(),
    ): Cost {
      return set.selections
        .map((selection) => costOfSelection(selection, parent, here, spread))
        .reduce(sum, nothing)
    }

    function costOfSelection(
      selection: SelectionNode,
      parent: GraphQLCompositeType,
      here: Sources,
      spread: Set<string>,
    ): Cost {
      if (++seen > mostSelections) return nothing
      if (selection.kind === Kind.FIELD) return costOfField(selection, parent, here)
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = compositeTypeNamed(schema, selection.typeCondition?.name.value)
        return costOf(selection.selectionSet, condition ?? parent, here, spread)
      }
      // A fragment that is spread again in the same place adds nothing.
      const { value: name } = selection.name
      if (spread.has(name)) return nothing
      spread.add(name)
      return costOfSpread(name, here)
    }

    /** A fragment costs the same wherever it is reached in the same subgraphs. */
    function costOfSpread(name: string, here: Sources): Cost {
      const fragment = fragments.get(name)
      const type = compositeTypeNamed(schema, fragment?.typeCondition.name.value)
      if (!fragment || !type) return nothing
      const place = [name, ...here].join()
      return remembered(known, place, () => costOf(fragment.selectionSet, type, here))
    }

    function costOfField(field: FieldNode, parent: GraphQLCompositeType, here: Sources): Cost {
      const definition = fieldOf(parent, field.name.value)
      const type = definition && getNamedType(definition.type)
      const { paths, next, choices } = sourcesOf(parent, field.name.value, here)
      if (!field.selectionSet || !isCompositeType(type)) {
        return { search: 1, choices: Math.log(choices), selections: 1 }
      }
      const below = costOf(field.selectionSet, type, next)
      return {
        search: paths * (1 + below.search),
        choices: Math.log(choices) + below.choices,
        selections: 1 + below.selections,
      }
    }
  }

  /** Returns the subgraphs that can resolve the field, and the number of ways to it. */
  function sourcesOf(parent: GraphQLCompositeType, field: string, here: Sources) {
    const members = withPossibleTypes(schema, parent)
    let paths = 1
    let choices = 1
    const next = new Set<string>()
    for (const { name } of members) {
      const sources = resolving.get(`${name}.${field}`) ?? []
      const enterable = (entered.get(name) ?? []).filter((source) => sources.includes(source))
      const direct = sources.filter((source) => here.includes(source))
      paths = Math.max(paths, enterable.length)
      if (direct.length === 0) choices = Math.max(choices, enterable.length)
      for (const source of direct.length > 0 ? direct : enterable) next.add(source)
    }
    // An interface is taken apart where its types have alternatives of their own.
    return { paths: paths > 1 ? paths * members.length : 1, choices, next: [...next] }
  }
}

function sum(one: Cost, other: Cost): Cost {
  return {
    search: one.search + other.search,
    choices: one.choices + other.choices,
    selections: one.selections + other.selections,
  }
}
