/** The directives of a subgraph's own schema that are guards. */
import type { DocumentNode } from 'graphql'
import { directiveOf, guardKinds } from './guard-directives.ts'
import type { GuardKind } from './guard-directives.ts'
import { namesOf, readLinks, splitUrl } from './links.ts'

/** The specifications that a subgraph can import the directives from. */
const origins: ReadonlySet<string> = new Set([
  'https://specs.apollo.dev/federation',
  ...guardKinds.map((kind) => splitUrl(directiveOf(kind).url).identity),
])

/** Returns the kinds of guards by the names that their directives have in this schema. */
export function guardKindsByName(document: DocumentNode): ReadonlyMap<string, GuardKind> {
  const links = readLinks(document).filter(({ url }) => origins.has(splitUrl(url).identity))
  return new Map(
    links.flatMap((link) =>
      guardKinds.flatMap((kind) =>
        namesOf(directiveOf(kind).name, link).map((name) => [name, kind] as const),
      ),
    ),
  )
}
