/** Where in the subgraphs' own schemas a guard stands. */
import { isTypeDefinitionNode, isTypeExtensionNode, parse } from 'graphql'
import type { ConstDirectiveNode, DocumentNode } from 'graphql'
import type { Declaration, FindDeclarations } from './explain-operation.ts'
import type { Guard } from './guard.ts'
import { namesOf, readLinks, splitUrl } from './links.ts'

/** A subgraph's schema file. */
export interface SubgraphSource {
  readonly subgraph: string
  readonly file: string
  /** Where in the file the schema begins; default: its first line. */
  readonly firstLine?: number
  readonly sdl: string
}

const directiveOf: Readonly<Record<Guard['kind'], string>> = {
  authenticated: 'authenticated',
  scopes: 'requiresScopes',
  policies: 'policy',
}

/** Specifications from which a subgraph can take the directives. */
const origins = ['federation', 'authenticated', 'requiresScopes', 'policy'].map(
  (name) => `https://specs.apollo.dev/${name}`,
)

/** Returns the function that finds a directive's lines; it finds none that composition added. */
export function declarationsIn(sources: readonly SubgraphSource[]): FindDeclarations {
  const found = new Map<string, Declaration[]>()
  for (const source of sources) indexSource(source)
  return (at, kind) => found.get(`${at.coordinate} ${kind}`) ?? []

  function indexSource({ subgraph, file, firstLine = 1, sdl }: SubgraphSource): void {
    const document = parse(sdl)
    const kinds = kindsByName(document)
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
        const key = `${coordinate} ${kind}`
        const line = firstLine - 1 + (loc?.startToken.line ?? 1)
        const declaration = { subgraph, file, line }
        found.set(key, [...(found.get(key) ?? []), declaration])
      }
    }
  }
}

function kindsByName(document: DocumentNode): ReadonlyMap<string, Guard['kind']> {
  const links = readLinks(document).filter(({ url }) => origins.includes(splitUrl(url).identity))
  const kinds = Object.entries(directiveOf) as [Guard['kind'], string][]
  return new Map(
    links.flatMap((link) =>
      kinds.flatMap(([kind, directive]) =>
        namesOf(directive, link).map((name) => [name, kind] as const),
      ),
    ),
  )
}
