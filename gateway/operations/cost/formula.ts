/** What an operation costs, as a function of its variables: everything else is computed once. */
import { conditionValue, isIncluded } from '../../graphql/conditions.ts'
import type { Condition, ConditionVariables } from '../../graphql/conditions.ts'

type Variables = Readonly<Record<string, unknown>>

/** One evaluation of a formula. */
export interface Evaluation {
  readonly variables: Variables
  /** The field whose list has not exactly one of the arguments that limit its length. */
  unsliced: UnslicedField | undefined
}

/** A field that needs exactly one of these arguments. */
export interface UnslicedField {
  /** `Query.books`. */
  readonly coordinate: string
  readonly slicingArguments: readonly string[]
}

/** A number, or how it follows from the variables. It is never infinite and never `NaN`. */
export type Formula = number | ((evaluation: Evaluation) => number)

/** The highest number; infinity times no elements would be no number. */
const most = Number.MAX_SAFE_INTEGER

function bounded(value: number): number {
  return value < most ? value : most
}

/** Returns the value of a formula. */
export function valueOf(formula: Formula, evaluation: Evaluation): number {
  return typeof formula === 'number' ? formula : formula(evaluation)
}

/** Returns the sum. */
export function sum(terms: readonly Formula[]): Formula {
  const { constants, others } = parted(terms)
  const constant = bounded(constants.reduce((left, right) => left + right, 0))
  const [first, second, ...more] = others
  if (!first) return constant
  if (!second) return constant === 0 ? first : (given) => bounded(constant + first(given))
  if (more.length === 0) return (given) => bounded(constant + first(given) + second(given))
  return (given) => {
    let total = constant
    for (const term of others) total += term(given)
    return bounded(total)
  }
}

/** Returns the product. */
export function product(left: Formula, right: Formula): Formula {
  if (left === 1) return right
  if (right === 1) return left
  if (typeof left === 'number') {
    return typeof right === 'number'
      ? bounded(left * right)
      : (given) => bounded(left * right(given))
  }
  return typeof right === 'number'
    ? (given) => bounded(left(given) * right)
    : (given) => bounded(left(given) * right(given))
}

/** Returns the greatest of several. */
export function greatest(alternatives: readonly Formula[]): Formula {
  const { constants, others } = parted(alternatives)
  if (others.length === 1 && constants.length === 0) return others[0]!
  const constant = constants.reduce((left, right) => Math.max(left, right), -most)
  if (others.length === 0) return constant
  return (given) => {
    let value = constant
    for (const alternative of others) value = Math.max(value, alternative(given))
    return value
  }
}

/** Returns the formula where the conditions hold, and 0 where they do not. */
export function where(
  conditions: readonly Condition[],
  formula: Formula,
  defaults: ConditionVariables,
): Formula {
  const open = conditions.filter((condition) => typeof condition.if === 'string')
  const constant = conditions.filter((condition) => typeof condition.if === 'boolean')
  if (formula === 0 || !isIncluded(constant, () => undefined, 'no reason')) return 0
  if (open.length === 0) return formula
  return (given) =>
    isIncluded(open, (name) => conditionValue(name, given.variables, defaults), 'no reason')
      ? valueOf(formula, given)
      : 0
}

function parted(formulas: readonly Formula[]) {
  const constants: number[] = []
  const others: Exclude<Formula, number>[] = []
  for (const formula of formulas) {
    if (typeof formula === 'number') constants.push(formula)
    else others.push(formula)
  }
  return { constants, others }
}
