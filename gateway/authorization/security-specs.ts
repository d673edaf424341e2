/**
 * Under which names a supergraph uses the directives that this stage understands: `@link` may rename
 * them, and a directive of the same name from another URL is not ours.
 */
import type { ConstDirectiveNode, DocumentNode } from 'graphql'
import {
  argument,
  member,
  namesOf,
  readLinks,
  schemaDirectives,
  splitUrl,
  stringOf,
} from './links.ts'
import type { Link } from './links.ts'
import { SupergraphRefused } from './supergraph-refused.ts'

export type SpecName = 'authenticated' | 'requiresScopes' | 'policy' | 'public'

/** Our own specification: `@public` lifts `authorization.default: deny` from a field or type. */
export const publicSpecUrl = 'https://portcullis.dev/authorization/v0.1'

/** Each with the URL of the only version whose meaning this stage knows. */
const urls: Readonly<Record<SpecName, string>> = {
  authenticated: 'https://specs.apollo.dev/authenticated/v0.1',
  requiresScopes: 'https://specs.apollo.dev/requiresScopes/v0.1',
  policy: 'https://specs.apollo.dev/policy/v0.1',
  public: publicSpecUrl,
}
const specs: ReadonlyMap<string, SpecName> = new Map(
  (Object.keys(urls) as SpecName[]).map((name) => [urls[name], name]),
)

/** A directive with one of these names guards what it stands on, or looks as if it did. */
const guardNames: readonly string[] = [...specs.values()].filter((name) => name !== 'public')

export interface SpecNames {
  /** The directives by the names they have in this supergraph. */
  readonly directives: ReadonlyMap<string, SpecName>
  /** Whether a definition belongs to one of the specifications: their scalars, their directives. */
  readonly owns: (definitionName: string) => boolean
  /** Whether a directive has the name of a guard, and no `@link` says whose it is. */
  readonly withoutLink: (directiveName: string) => boolean
  /** The `@link` applications of the specifications. */
  readonly links: ReadonlySet<ConstDirectiveNode>
}

/** Returns the names in use. A version that is not known is refused: its rules could be others. */
export function readSpecNames(document: DocumentNode): SpecNames {
  refuseHiddenLinks(document)
  const all = readLinks(document)
  const links = all.flatMap((link) => {
    const spec = specOf(link.url)
    return spec ? [{ spec, ...link }] : []
  })
  const directives = new Map(
    links.flatMap(({ spec, ...link }) => namesOf(spec, link).map((name) => [name, spec] as const)),
  )
  const imported = new Set(links.flatMap(({ imports }) => imports.map(({ as }) => as)))

  return {
    directives,
    withoutLink: (name) => guardNames.includes(name) && !all.some((link) => bringsIn(link, name)),
    links: new Set(links.map(({ node }) => node)),
    owns: (name) =>
      directives.has(name) ||
      imported.has(name) ||
      links.some(({ prefix }) => name.startsWith(`${prefix}__`)),
  }
}

/** Whether a link brings a directive of that name into the schema, from wherever it is. */
function bringsIn({ prefix, imports }: Link, directiveName: string): boolean {
  return prefix === directiveName || imports.some(({ as }) => as === `@${directiveName}`)
}

function specOf(url: string): SpecName | undefined {
  const { identity, version } = splitUrl(url)
  const known = specs.get(`${identity}/${version}`)
  if (known) return known
  const namesake = [...specs.keys()].find((each) =>
    `${identity}/`.startsWith(`${splitUrl(each).identity}/`),
  )
  if (namesake === undefined) return undefined
  throw new SupergraphRefused(
    `it links ${url}, but of that specification only ${splitUrl(namesake).version} is known: ` +
      'compose it for a version that this gateway enforces, or update the gateway',
  )
}

/** Composition can carry a link of one subgraph as @join__directive: there it would go unseen. */
function refuseHiddenLinks(document: DocumentNode): void {
  for (const directive of schemaDirectives(document)) {
    const args = argument(directive, 'args')
    const url = args && stringOf(member(args, 'url'))
    if (url === undefined || specOf(url) === undefined) continue
    throw new SupergraphRefused(
      `it links ${url} through @${directive.name.value}: compose it so that @link names it`,
    )
  }
}
