/** How long the list of a field can be, by its `@listSize` and the arguments that limit it. */
import { getNullableType, isInputObjectType, isListType, Kind, valueFromASTUntyped } from 'graphql'
import type { ArgumentNode, GraphQLArgument, GraphQLInputType } from 'graphql'
import { isObject } from '../../values/json.ts'
import type { VariableValue } from './arguments-cost.ts'
import type { ListSize } from './cost-directives.ts'
import type { Formula, UnslicedField } from './formula.ts'

/** A field as an operation selects it. */
export interface SlicedField {
  readonly coordinate: string
  /** Its arguments in the schema. */
  readonly definitions: readonly GraphQLArgument[]
  /** Its arguments in the operation. */
  readonly given: readonly ArgumentNode[]
}

/** What an argument says about the length of a list. */
interface Slice {
  /** Whether the request has it, and not only the schema as a default. */
  readonly isGiven: boolean
  readonly length: number
}

type Variables = Readonly<Record<string, unknown>>
type SliceOf = (variables: Variables) => Slice | undefined

/**
 * Returns the length of the list: the highest that one of its slicing arguments allows, else the assumed
 * size, else the size that is configured for all lists.
 */
export function listLength(
  field: SlicedField,
  { assumedSize, slicingArguments, requireOneSlicingArgument }: ListSize,
  otherwise: number,
  variableValue: VariableValue,
): Formula {
  const withoutSlice = Math.max(0, assumedSize ?? otherwise)
  if (slicingArguments.length === 0) return withoutSlice
  const slices = slicingArguments.map((path) => sliceAt(field, path, variableValue))
  const unsliced: UnslicedField = {
    coordinate: field.coordinate,
    slicingArguments: slicingArguments.map((path) => path.join('.')),
  }
  if (slices.every((slice) => typeof slice !== 'function')) {
    const { length, isOne } = judged(slices)
    if (isOne) return length
    return (evaluation) => {
      evaluation.unsliced ??= unsliced
      return length
    }
  }
  const [only] = slices
  if (slices.length === 1 && typeof only === 'function') {
    return (evaluation) => {
      const slice = only(evaluation.variables)
      if (!slice && requireOneSlicingArgument) evaluation.unsliced ??= unsliced
      return slice ? slice.length : withoutSlice
    }
  }
  return (evaluation) => {
    const { length, isOne } = judged(
      slices.map((slice) => (typeof slice === 'function' ? slice(evaluation.variables) : slice)),
    )
    if (!isOne) evaluation.unsliced ??= unsliced
    return length
  }

  /** An argument with a default need not be given; with it, another one may be. */
  function judged(all: readonly (Slice | undefined)[]): { length: number; isOne: boolean } {
    let given = 0
    let longest: number | undefined
    for (const slice of all) {
      if (!slice) continue
      if (slice.isGiven) given++
      longest = Math.max(longest ?? 0, slice.length)
    }
    const isOne =
      !requireOneSlicingArgument || given === 1 || (given === 0 && longest !== undefined)
    return { length: longest ?? withoutSlice, isOne }
  }
}

/** Returns the slice, or how it follows from the variables. */
function sliceAt(
  { definitions, given }: SlicedField,
  path: readonly string[],
  variableValue: VariableValue,
): Slice | undefined | SliceOf {
  let slot: Slot | undefined = definitions.find(({ name }) => name === path[0])
  let node = given.find(({ name }) => name.value === path[0])?.value
  // As far as the argument is an object in the operation itself.
  for (let step = 1; ; step++) {
    if (!slot) return undefined
    const { type, defaultValue } = slot
    if (node?.kind === Kind.VARIABLE) {
      const name = node.name.value
      return (variables) => sliceIn(variableValue(variables, name), type, defaultValue, path, step)
    }
    // What a list holds does not matter, and may be variables.
    if (step === path.length && node?.kind === Kind.LIST) {
      return { isGiven: true, length: node.values.length }
    }
    if (node?.kind !== Kind.OBJECT || step === path.length) {
      const value = node && valueFromASTUntyped(node)
      return sliceIn(value, type, defaultValue, path, step)
    }
    slot = inputField(type, path[step]!)
    node = node.fields.find(({ name }) => name.value === path[step])?.value
  }
}

/** Where a value belongs: an argument, or a field of an input object. */
type Slot = Pick<GraphQLArgument, 'type' | 'defaultValue'>

/** Returns the slice in a value, whose path goes on at that step; an absent value is the default. */
function sliceIn(
  value: unknown,
  type: GraphQLInputType,
  defaultValue: unknown,
  path: readonly string[],
  step: number,
): Slice | undefined {
  const isGiven = value !== undefined
  const present = isGiven ? value : defaultValue
  if (step === path.length) {
    const length = lengthIn(present, type)
    return length === undefined ? undefined : { isGiven, length }
  }
  const name = path[step]!
  const field = inputField(type, name)
  if (!field || !isObject(present)) return undefined
  const inner = Object.hasOwn(present, name) ? present[name] : undefined
  const slice = sliceIn(inner, field.type, field.defaultValue, path, step + 1)
  return slice && !isGiven ? { isGiven, length: slice.length } : slice
}

function inputField(type: GraphQLInputType, name: string): Slot | undefined {
  const named = getNullableType(type)
  return isInputObjectType(named) ? named.getFields()[name] : undefined
}

/**
 * A list is as long as what it returns: `books(ids: [1, 2])`. Scalars for big integers accept text, and not all of
 * them digits alone: ` 100`, `+100` and `1e2` count as 100.
 */
function lengthIn(value: unknown, type: GraphQLInputType): number | undefined {
  if (value === undefined || value === null) return undefined
  if (isListType(getNullableType(type))) return Array.isArray(value) ? value.length : 1
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number !== 'number' || Number.isNaN(number)) return undefined
  return Math.min(Math.max(0, Math.ceil(number)), Number.MAX_SAFE_INTEGER)
}
