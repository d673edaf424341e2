/** Which limits an operation exceeds, and the error for a caller whose operation is refused for it. */
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import type { RequestError } from '../graphql/response-error.ts'
import { measureOperation } from './measure-operation.ts'
import type { OperationSize } from './measure-operation.ts'
import { measureVariables } from './measure-variables.ts'
import type { VariablesSize } from './measure-variables.ts'
import { refusalWithDetails } from './request-errors.ts'

/** What can be limited, by its name in gateway.yaml. */
export type LimitName = keyof OperationSize | keyof VariablesSize

/** Limits of what clients send; one that is left out is no limit. */
export interface OperationLimits {
  readonly most: Readonly<Partial<Record<LimitName, number>>>
  /** The limits that are only reported. */
  readonly measured: ReadonlySet<LimitName>
}

/** A limit that an operation exceeds. */
export interface Exceeded<Limit extends string = LimitName> {
  readonly limit: Limit
  readonly value: number
  readonly max: number
  readonly mode: 'enforce' | 'measure'
}

/** Returns which limits an operation of a valid document exceeds, or its variables. */
export interface ExceededLimits {
  ofOperation(document: DocumentNode, operation: OperationDefinitionNode): readonly Exceeded[]
  ofVariables(variables: Readonly<Record<string, unknown>>): readonly Exceeded[]
}

const none: readonly Exceeded[] = []

/** Returns the functions that compare with these limits; where nothing is limited, nothing is measured. */
export function exceededLimits({ most, measured }: OperationLimits): ExceededLimits {
  const names = Object.keys(most) as LimitName[]
  const ofVariables = names.filter(isOfVariables)
  const ofOperation = names.filter((name) => !isOfVariables(name))
  return {
    ofOperation: (document, operation) =>
      ofOperation.length === 0 ? none : beyond(ofOperation, measureOperation(document, operation)),
    ofVariables(variables) {
      if (ofVariables.length === 0) return none
      for (const _name in variables) return beyond(ofVariables, measureVariables(variables, most))
      return none
    },
  }

  function beyond(
    limits: readonly LimitName[],
    size: Readonly<Partial<Record<LimitName, number>>>,
  ): readonly Exceeded[] {
    let exceeded: Exceeded[] | undefined
    for (const limit of limits) {
      const value = size[limit]!
      const max = most[limit]!
      if (value <= max) continue
      const mode = measured.has(limit) ? 'measure' : 'enforce'
      exceeded = [...(exceeded ?? []), { limit, value, max, mode }]
    }
    return exceeded ?? none
  }
}

function isOfVariables(limit: LimitName): limit is keyof VariablesSize {
  return limit === 'variables_depth' || limit === 'variables_size'
}

const things: Readonly<Record<LimitName, string>> = {
  tokens: 'tokens',
  depth: 'levels of nested fields',
  selections: 'fields and fragments',
  aliases: 'aliases',
  root_fields: 'root fields',
  directives: 'directives',
  height: 'different fields',
  variables_depth: 'levels of nested variables',
  variables_size: 'bytes of variables',
}

/** Returns the error of an operation that is refused: it names the limit, the value and the maximum. */
export function tooLarge({ limit, value, max }: Exceeded): RequestError {
  const expanded = isOfVariables(limit) || limit === 'tokens' ? '' : ', with its fragments expanded'
  const message = `The operation has ${value} ${things[limit]}${expanded}, but at most ${max} are allowed: send a smaller one, or several`
  return refusalWithDetails('OPERATION_TOO_LARGE', message, { limit, value, max })
}
