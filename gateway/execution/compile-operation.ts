/** Operation and plan -> all that can be prepared before a request comes: one immutable object. */
import type { QueryPlan } from '@apollo/query-planner'
import { getOperationAST, visit } from 'graphql'
import type { DocumentNode, FieldNode, GraphQLSchema } from 'graphql'
import { LRUCache } from 'lru-cache'
import { clientPaths } from './client-path.ts'
import type { ClientPath } from './client-path.ts'
import { conditionValue, conditionVariables } from '../graphql/conditions.ts'
import type { Selection } from '../graphql/collect-fields.ts'
import { fragmentsOf } from '../graphql/fragments.ts'
import { completeShape } from '../graphql/response-shape.ts'
import type { ResponseShape } from '../graphql/response-shape.ts'
import { compilePlan } from './compile-plan.ts'
import type { CompiledPlan } from './compile-plan.ts'
import type { BatchedOperations } from './batch-entity-fetches.ts'
import type { Outline } from './data-path.ts'
import type { IsAbstract } from './merge-records.ts'
import { responseForm } from './response-form.ts'
import type { ResponseForm } from './response-form.ts'
import type { TypeNames } from './type-names.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'

/** The values of the variables as the client sent them, checked by the stage that prepares operations. */
export type VariableValues = Readonly<Record<string, unknown>>

/** What a compiled operation is made of. */
export interface OperationParts {
  readonly document: DocumentNode
  readonly operationName: string | undefined
  readonly plan: QueryPlan
  /** The name of a field of the document in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

/** What all operations of a schema version have in common. */
export interface OperationSchema {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly isOfType: IsOfType
  /** Whether sibling fetches to a subgraph may be joined in one request. */
  readonly mayBatch: (subgraph: string) => boolean
  /** The client's name for a name in the fetched data. */
  readonly clientName: (fetched: string) => string
  readonly types: TypeNames
  readonly isAbstract: IsAbstract
}

/** An operation with all that is prepared before a request comes. */
export interface CompiledOperation {
  readonly operationName: string | undefined
  readonly document: DocumentNode
  readonly schema: OperationSchema
  readonly plan: CompiledPlan
  readonly batchedOperations: BatchedOperations
  /** The value of a Boolean variable, its default included; undefined when it has none. */
  readonly condition: (variable: string, variables: VariableValues) => boolean | undefined
  /** How many forms it keeps at most: each combination of conditions has its own. */
  readonly mostForms: number
  /** The form for the conditions as these variables decide them. */
  readonly formFor: (variables: VariableValues) => ResponseForm
  /** Returns a form of another shape than that of the document: it is not kept here. */
  readonly formOf: (shape: ResponseShape) => ResponseForm
  /** Returns the function for paths of the fetched data in the client's words: see client-path.ts. */
  readonly clientPaths: (data: Outline, variables: VariableValues) => ClientPath
}

const nothingToDecide: ReadonlyMap<string, boolean> = new Map()

/** The most forms that one operation keeps, and the most fields in all of them. */
const mostForms = 32
const mostFields = 4_000

/** Returns the compiled operation. */
export function compileOperation(
  { document, operationName, plan, fetchedAs }: OperationParts,
  schema: OperationSchema,
): CompiledOperation {
  const definition = getOperationAST(document, operationName)
  if (!definition) throw new Error('the document has no such operation')
  const root = schema.apiSchema.getRootType(definition.operation)
  if (!root) throw new Error(`the schema has no ${definition.operation}`)
  const fragments = fragmentsOf(document)
  const defaults = conditionVariables(definition, fragments)
  const names = [...defaults.keys()]
  const compiled = compilePlan(plan, schema)
  const most = mostFormsOf(document, names)
  let onlyForm: ResponseForm | undefined
  const forms = new LRUCache<string, ResponseForm>({ max: most })

  return {
    operationName,
    document,
    schema,
    plan: compiled,
    batchedOperations: new Map(),
    condition,
    mostForms: most,
    formFor,
    formOf,
    clientPaths: (data, variables) =>
      clientPaths(data, {
        selection: { ...selectionFor(decide(variables)), fetchedAs },
        root: root!,
        set: definition.selectionSet,
        clientName: schema.clientName,
      }),
  }

  function condition(name: string, variables: VariableValues): boolean | undefined {
    const value = conditionValue(name, variables, defaults)
    return typeof value === 'boolean' ? value : undefined
  }

  function decide(variables: VariableValues): ReadonlyMap<string, boolean> {
    return new Map(names.map((name) => [name, condition(name, variables) === true]))
  }

  function selectionFor(decided: ReadonlyMap<string, boolean>): Selection {
    return { schema: schema.apiSchema, fragments, isTrue: (name) => decided.get(name) === true }
  }

  function formFor(variables: VariableValues): ResponseForm {
    if (names.length === 0) return (onlyForm ??= newForm(nothingToDecide))
    const decided = decide(variables)
    const key = [...decided.values()].map(Number).join('')
    const known = forms.get(key)
    if (known) return known
    const form = newForm(decided)
    forms.set(key, form)
    return form
  }

  function newForm(decided: ReadonlyMap<string, boolean>): ResponseForm {
    return formOf(completeShape(selectionFor(decided), definition!.selectionSet))
  }

  function formOf(shape: ResponseShape): ResponseForm {
    const { apiSchema, types, isOfType } = schema
    return responseForm({
      schema: apiSchema,
      types,
      isOfType,
      rootType: root!,
      plan: compiled,
      shape,
      fetchedAs,
    })
  }
}

/** A large operation keeps fewer: what clients send must not fill the memory. */
function mostFormsOf(document: DocumentNode, conditions: readonly string[]): number {
  let fields = 1
  visit(document, { Field: () => void fields++ })
  const affordable = Math.max(2, Math.floor(mostFields / fields))
  return Math.min(mostForms, 2 ** conditions.length, affordable)
}
