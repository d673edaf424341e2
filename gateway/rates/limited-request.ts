import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import type { Caller, CountedRate } from '../client-request.ts'

/** What the rates look at of a request; what is not known yet is undefined. */
export interface LimitedRequest {
  readonly request: { readonly clientAddress?: string | undefined }
  readonly caller?: Caller | undefined
  readonly operation?:
    { readonly document: DocumentNode; readonly operation: OperationDefinitionNode } | undefined
  /** What the operation is estimated to cost. */
  readonly cost?: number | undefined
  /** The rate that counted it last, for its response. */
  counted?: CountedRate | undefined
}
