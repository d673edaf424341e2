/** The directives of a subgraph's own schema that are guards. */
import type { DocumentNode } from 'graphql'
import type { Guard } from './guard.ts'
import { namesOf, readLinks, splitUrl } from './links.ts'

const directiveOf: Readonly<Record<Guard['kind'], string>> = {
  authenticated: 'authenticated',
  scopes: 'requiresScopes',
  policies: 'policy',
}

/** Specifications from which a subgraph can take the directives. */
const origins = ['federation', ...Object.values(directiveOf)].map(
  (name) => `https://specs.apollo.dev/${name}`,
)

/** Returns the kinds of guards by the names that their directives have in this schema. */
export function guardDirectives(document: DocumentNode): ReadonlyMap<string, Guard['kind']> {
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
