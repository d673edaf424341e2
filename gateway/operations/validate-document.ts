/** The text of a document -> a document that is valid for the schema, within the limits. */
import { parse, SingleFieldSubscriptionsRule, specifiedRules, validate } from 'graphql'
import type { DocumentNode, GraphQLError, GraphQLSchema, ValidationRule } from 'graphql'
import { GatewayError } from '../errors.ts'
import { withDefer, withoutDefer } from './defer-directive.ts'
import { depthLimit } from './depth-limit.ts'
import { refuseDeepDocument } from './document-nesting.ts'
import { finiteNumbers } from './finite-numbers.ts'
import { introspectionLimit } from './introspection-limit.ts'
import { noIntrospection } from './no-introspection.ts'
import { oneCredentialField } from './one-credential-field.ts'
import { requestError } from './request-errors.ts'
import { reservedAlias } from './reserved-alias.ts'
import { selectionsLimit } from './selections-limit.ts'
import { singleRootField } from './single-root-field.ts'

/** How large a document may be. */
export interface DocumentLimits {
  /** The most tokens of a document. */
  readonly tokens: number
  /** The deepest nesting of an operation, fragments counted where they are spread. */
  readonly depth: number
  /** The most selections of an operation, fragments counted where they are spread. */
  readonly selections: number
  /** Root fields, as in `Mutation.login`: an operation may select only one of them, once. */
  readonly credentialFields: readonly string[]
}

export interface ValidationOptions {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  /** Whether introspection is enabled. */
  readonly introspection: boolean
  readonly limits: DocumentLimits
}

/** Returns the reader of documents for a schema. */
export function documentReader({ apiSchema, ...options }: ValidationOptions) {
  const { tokens, depth } = options.limits
  const allRules = [...rulesOfSpecification, ...limitRules(options)]
  const schema = withDefer(apiSchema)

  return {
    /** Returns the document of a text. Throws a GatewayError or a RequestError that says what is wrong. */
    parse(text: string): DocumentNode {
      refuseDeepDocument(text, depth)
      return parsed(text, tokens)
    },
    /** Returns the document as it is executed. Throws a RequestError with the validation errors. */
    validate(document: DocumentNode): DocumentNode {
      const errors = validated(schema, document, allRules)
      if (errors.length === 0) return withoutDefer(document)
      // For an invalid document, only the rules of the specification report errors.
      const invalid = validated(schema, document, rulesOfSpecification)
      throw requestError(invalid.length > 0 ? invalid : errors, 'GRAPHQL_VALIDATION_FAILED')
    },
  }
}

/** GraphQL, section 5. */
const rulesOfSpecification: readonly ValidationRule[] = specifiedRules.map((rule) =>
  rule === SingleFieldSubscriptionsRule ? singleRootField : rule,
)

/** A new limit on documents is a new rule in this list. */
function limitRules({
  introspection,
  limits,
}: Omit<ValidationOptions, 'apiSchema'>): readonly ValidationRule[] {
  return [
    introspection ? introspectionLimit : noIntrospection,
    reservedAlias,
    finiteNumbers,
    depthLimit(limits.depth),
    selectionsLimit(limits.selections),
    oneCredentialField(limits.credentialFields),
  ]
}

function validated(
  schema: GraphQLSchema,
  document: DocumentNode,
  rules: readonly ValidationRule[],
): readonly GraphQLError[] {
  try {
    return validate(schema, document, rules)
  } catch (cause) {
    // Rules recurse through fragments that spread one another, which are not nested in the text.
    if (cause instanceof RangeError) throw new GatewayError('DOCUMENT_TOO_DEEP', { cause })
    throw cause
  }
}

function parsed(text: string, maxTokens: number): DocumentNode {
  try {
    return parse(text, { maxTokens })
  } catch (cause) {
    // The parser recurses: what fills its stack is the document.
    if (cause instanceof RangeError) throw new GatewayError('DOCUMENT_TOO_DEEP', { cause })
    throw requestError([cause as GraphQLError], 'GRAPHQL_PARSE_FAILED')
  }
}
