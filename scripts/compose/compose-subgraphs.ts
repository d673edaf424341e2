import { composeServices } from '@apollo/composition'
import type { CompositionHint } from '@apollo/composition/dist/hints.js'
import { getLocation, GraphQLError, Kind, parse, print, Source, visit } from 'graphql'
import type { ASTNode, ConstDirectiveNode, DocumentNode } from 'graphql'
import { coerceGuards } from './coerce-guards.ts'
import type {
  ComposedHint,
  ComposedProblem,
  CompositionMessage,
  SourcePosition,
  SubgraphToCompose,
} from './composition-messages.ts'

/** Returns the supergraph of these subgraphs, or all errors. */
export function composeSubgraphs(subgraphs: readonly SubgraphToCompose[]): CompositionMessage {
  const documents = new Map<string, DocumentNode>()
  const unreadable: ComposedProblem[] = []
  for (const { name, sdl } of subgraphs) {
    const parsed = parseSdl(name, sdl)
    if (parsed instanceof GraphQLError) {
      unreadable.push(syntaxProblem(name, parsed))
      continue
    }
    const guards = coerceGuards(parsed)
    documents.set(name, guards.document)
    unreadable.push(...guards.unreadable.map(guardProblem))
  }
  if (unreadable.length > 0) return { outcome: 'failed', errors: unreadable }

  const { supergraphSdl, hints, errors } = composeServices(
    subgraphs.map(({ name, url }) => ({ name, url, typeDefs: documents.get(name)! })),
  )
  if (supergraphSdl === undefined) {
    return { outcome: 'failed', errors: errors.map((error) => errorProblem(error, documents)) }
  }
  return { outcome: 'composed', sdl: `${supergraphSdl}\n`, hints: hints.map(hintProblem) }
}

function parseSdl(name: string, sdl: string): DocumentNode | GraphQLError {
  try {
    return parse(new Source(sdl, name))
  } catch (cause) {
    if (cause instanceof GraphQLError) return cause
    throw cause
  }
}

function syntaxProblem(subgraph: string, { message, locations }: GraphQLError): ComposedProblem {
  const [location] = locations ?? []
  return { code: 'INVALID_GRAPHQL', message, positions: [{ subgraph, ...location }] }
}

function guardProblem(directive: ConstDirectiveNode): ComposedProblem {
  const message = `${print(directive)}: write a list of lists of strings, as in [["read"], ["admin"]]`
  return { code: 'INVALID_GUARD', message, positions: positionsOf([directive]) }
}

/** Composition names the subgraph in brackets if the error is in a single one. */
const subgraphPrefix = /^\[([^\]]+)\] /

function errorProblem(
  error: GraphQLError,
  documents: ReadonlyMap<string, DocumentNode>,
): ComposedProblem {
  const [prefix = '', subgraph = ''] = subgraphPrefix.exec(error.message) ?? []
  const document = documents.get(subgraph)
  const message = document ? error.message.slice(prefix.length) : error.message
  const code = String(error.extensions.code ?? 'UNKNOWN')
  const positions = positionsOf(error.nodes)
  if (positions.length > 0 || !document) return { code, message, positions }

  const mentioned = positionsOf(definitionsNamedIn(message, document))
  return { code, message, positions: mentioned.length > 0 ? mentioned : [{ subgraph }] }
}

function hintProblem({ definition, message, nodes }: CompositionHint): ComposedHint {
  return {
    code: definition.code,
    message,
    level: definition.level.name as ComposedHint['level'],
    positions: positionsOf(nodes),
  }
}

/** One position per subgraph and line: composition often reports a node and its parent. */
function positionsOf(nodes: readonly ASTNode[] | undefined): SourcePosition[] {
  const positions = new Map<string, SourcePosition>()
  for (const { loc } of nodes ?? []) {
    if (!loc) continue
    const { line, column } = getLocation(loc.source, loc.start)
    const subgraph = loc.source.name
    const key = `${subgraph} ${line}`
    if (!positions.has(key)) positions.set(key, { subgraph, line, column })
  }
  return [...positions.values()]
}

/** Some errors have no position; the first name in their message leads to the definition. */
function definitionsNamedIn(message: string, document: DocumentNode): ASTNode[] {
  const [, type, field] = /"@?([_A-Za-z]\w*)(?:\.([_A-Za-z]\w*))?[^"]*"/.exec(message) ?? []
  const found: ASTNode[] = []
  visit(document, {
    enter(node, _key, _parent, _path, ancestors) {
      if (
        !('name' in node) ||
        node.name?.kind !== Kind.NAME ||
        !/Definition|Extension/.test(node.kind)
      ) {
        return
      }
      const container = ancestors.at(-2) as ASTNode | undefined
      const isType = field === undefined && node.name.value === type
      const isField =
        field !== undefined &&
        node.name.value === field &&
        container !== undefined &&
        'name' in container &&
        container.name?.value === type
      if (isType || isField) found.push(node)
    },
  })
  return found
}
