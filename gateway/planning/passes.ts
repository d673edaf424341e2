/** The form of a pass: a function that corrects one fault of the planner (see plan-operation.ts). */
import type { FetchNode, PlanNode } from '@apollo/query-planner'
import type {
  ArgumentNode,
  DocumentNode,
  FieldNode,
  GraphQLSchema,
  OperationDefinitionNode,
} from 'graphql'
import type { EntityRules } from './entity-rules.ts'

/** Returns the operation without the selections that the planner gets wrong. */
export type OperationPass = (
  operation: OperationDefinitionNode,
  rules: PassRules,
  request: OperationToPlan,
) => OperationDefinitionNode

/** Returns the plan with one fault of the planner corrected. */
export type PlanPass = (plan: PlanNode, rules: PassRules, request: OperationToPlan) => PlanNode

/** Returns the fetches that take the place of one fetch; they run in parallel. */
export type FetchPass = (
  fetch: FetchNode,
  rules: PassRules,
  request: OperationToPlan,
) => readonly FetchNode[]

export interface OperationToPlan {
  readonly document: DocumentNode
  /** Which of the document's operations; undefined when it has only one. */
  readonly operationName: string | undefined
  /** The labels of `@override(label:)` that are on: a field comes from its new subgraph for these. */
  readonly overrideLabels?: readonly string[]
}

/** The field that a stand-in of the planner's supergraph replaces. */
export interface RequiredField {
  readonly name: string
  readonly arguments: readonly ArgumentNode[]
}

/** Names for the fetched data. */
export interface DocumentNames {
  /** Returns the name under which the client's field is in the fetched data. */
  fetchedAs(field: FieldNode): string
}

/** What the passes need to know about the supergraph. */
export interface PassRules {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  /** All types of the supergraph that the planner sees. */
  readonly schema: GraphQLSchema
  /** The interfaces for which some subgraph has interface objects. */
  readonly interfaceObjects: ReadonlySet<string>
  readonly names: { of(document: DocumentNode): DocumentNames }
  /** By the name in the planner's supergraph: the field that each stand-in replaces. */
  readonly requiredFields: ReadonlyMap<string, RequiredField>
  /** By `graph.Type.field`: the stand-ins that the field requires. */
  readonly requiredBy: ReadonlyMap<string, readonly string[]>
  readonly entities: EntityRules
  /** Returns the value of a subgraph in `join__Graph`. */
  readonly graphOf: (subgraph: string) => string
}
