/**
 * `@defer`: a client may get a part of the response later. A service may also send everything at once
 * (the draft of incremental delivery, "Defer"), which is what happens to a document without the directive.
 */
import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLNonNull,
  GraphQLString,
  visit,
} from 'graphql'
import type { DirectiveNode, DocumentNode, GraphQLSchema } from 'graphql'

const deferDirective = new GraphQLDirective({
  name: 'defer',
  locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
  args: {
    if: { type: new GraphQLNonNull(GraphQLBoolean), defaultValue: true },
    label: { type: GraphQLString },
  },
})

/**
 * Returns a view of the schema that also has `@defer`: documents are validated by it, while introspection does
 * not show the directive. Another schema of the same types would take milliseconds to make.
 */
export function withDefer(schema: GraphQLSchema): GraphQLSchema {
  const directives = [...schema.getDirectives(), deferDirective]
  return Object.create(schema, {
    getDirectives: { value: () => directives },
    getDirective: { value: (name: string) => directives.find((one) => one.name === name) },
  }) as GraphQLSchema
}

/** Returns whether a directive is `@defer`. */
export function isDefer({ name }: DirectiveNode): boolean {
  return name.value === deferDirective.name
}

/** Returns the document without `@defer`; where it has none, the document itself. */
export function withoutDefer(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive: (directive) => (isDefer(directive) ? null : undefined),
  }) as DocumentNode
}
