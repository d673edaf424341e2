/** Where guards are declared in the subgraphs' own schemas. */
import { isTypeDefinitionNode, isTypeExtensionNode, parse } from 'graphql'
import type { ConstDirectiveNode } from 'graphql'
import type { GuardKind } from './guard-directives.ts'
import type { GuardedElement } from './guarded-type.ts'
import { guardKindsByName } from './subgraph-guards.ts'

/** Where a directive is declared. */
export interface Declaration {
  readonly subgraph: string
  /** Undefined when the supergraph does not have it and no schema files are given. */
  readonly file?: string
  readonly line?: number
}

/** Returns where the subgraphs' schemas declare a guard of that kind on a type or field. */
export type FindDeclarations = (at: GuardedElement, kind: GuardKind) => readonly Declaration[]

/** A subgraph's schema file. */
export interface SubgraphSource {
  readonly subgraph: string
  readonly file: string
  /** Where in the file the schema begins; default: its first line. */
  readonly firstLine?: number
  readonly sdl: string
}

type Declared = Readonly<Record<string, readonly Declaration[]>>

/** Returns the function that finds a directive's lines; it finds none that composition added. */
export function declarationsIn(sources: readonly SubgraphSource[]): FindDeclarations {
  return finder(indexOf(sources))
}

/** The comment that carries the declarations with the supergraph. */
const mark = '# Where guards are declared: '

/** Returns the supergraph with a last line that says where its guards are declared, if it has any. */
export function withDeclarations(sdl: string, sources: readonly SubgraphSource[]): string {
  const declared = indexOf(sources)
  if (Object.keys(declared).length === 0) return sdl
  return `${sdl.trimEnd()}\n\n${mark}${JSON.stringify(declared)}\n`
}

/** Returns the function that finds declarations in the supergraph; undefined if it contains none. */
export function declarationsWith(sdl: string): FindDeclarations | undefined {
  const start = sdl.lastIndexOf(`\n${mark}`)
  if (start === -1) return undefined
  const [line = ''] = sdl.slice(start + 1 + mark.length).split('\n')
  try {
    return finder(JSON.parse(line) as Declared)
  } catch {
    return undefined
  }
}

function finder(declared: Declared): FindDeclarations {
  return ({ coordinate }, kind) => {
    const key = `${coordinate} ${kind}`
    const declarations = Object.hasOwn(declared, key) ? declared[key] : []
    return Array.isArray(declarations) ? declarations : []
  }
}

/** By coordinate and kind, as `User.email scopes`. */
function indexOf(sources: readonly SubgraphSource[]): Declared {
  const found: Record<string, Declaration[]> = Object.create(null)
  for (const source of sources) indexSource(source)
  return found

  function indexSource({ subgraph, file, firstLine = 1, sdl }: SubgraphSource): void {
    const document = parse(sdl)
    const kinds = guardKindsByName(document)
    for (const definition of document.definitions) {
      if (!isTypeDefinitionNode(definition) && !isTypeExtensionNode(definition)) continue
      const type = definition.name.value
      record(type, definition.directives)
      for (const field of 'fields' in definition ? (definition.fields ?? []) : []) {
        record(`${type}.${field.name.value}`, field.directives)
      }
    }

    function record(coordinate: string, directives: readonly ConstDirectiveNode[] = []): void {
      for (const { name, loc } of directives) {
        const kind = kinds.get(name.value)
        if (!kind) continue
        const line = firstLine - 1 + (loc?.startToken.line ?? 1)
        const declarations = (found[`${coordinate} ${kind}`] ??= [])
        declarations.push({ subgraph, file, line })
      }
    }
  }
}
